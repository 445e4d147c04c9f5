"""Questions to the local node's admin port."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from im.cli.failures import failed, unreachable
from im.tap.statedir import NodeFile

TIMEOUT_SECONDS = 5.0


class Answer:
    """What the admin port answered: HTTP status and body."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body = body

    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace").strip()

    def document(self) -> Any:
        """The body as JSON. Raises `Failure` if it is none."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise failed(f"the admin port answered with no JSON (HTTP {self.status})") from error

    def accepted(self) -> Any:
        """The body as JSON. Raises `Failure` if it is none, or tells of a refusal."""
        document = self.document()
        if self.status != 200:
            raise failed(f"refused: {document['error']['text']}", document["error"]["code"])
        return document


def ask(
    node: NodeFile,
    path: str,
    token: str = "",
    body: Mapping[str, object] | None = None,
    *,
    method: str | None = None,
    seconds: float = TIMEOUT_SECONDS,
) -> Answer:
    """GET a path of the node's admin port, or POST `body` to it, unless another `method` is named.

    Raises `Failure` if nobody answers there.
    """
    if not node.admin:
        raise failed(f"node {node.node} serves no admin port; start it with --admin ENDPOINT")
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(node.admin.rstrip("/") + path, content, method=method)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=seconds) as response:
            return Answer(response.status, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read())
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise unreachable(f"the admin port {node.admin} does not answer: {reason}") from error
