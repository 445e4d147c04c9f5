"""What operators tell the local node to do, over its admin port."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from im.cli.admin import TIMEOUT_SECONDS, ask
from im.cli.keys import local_token
from im.cli.output import Output, shown
from im.cli.place import node_of, state_folder

TOKEN_SECONDS = 60.0


def order(arguments: Namespace, output: Output, path: str, body: Mapping[str, str], done: str) -> None:
    """POST `body`, and tell what came of it: `done`, and how many sessions ended.

    Raises `Failure` where it was refused.
    """
    evicted = question(arguments, path, body)["evicted"]
    sessions = "1 session ended" if evicted == 1 else f"{evicted} sessions ended"
    output.record({**body, "evicted": evicted}, f"{shown(done)}; {sessions}")


def question(
    arguments: Namespace,
    path: str,
    body: Mapping[str, object] | None = None,
    method: str | None = None,
    seconds: float = TIMEOUT_SECONDS,
) -> Any:
    """What the admin port answers an operator: a JSON document. Raises `Failure` where it was refused."""
    folder = state_folder(arguments)
    node = node_of(folder, arguments.node or "")
    token = local_token(folder, "imctl", TOKEN_SECONDS, is_admin=True)
    return ask(node, path, token, body, method=method, seconds=seconds).accepted()
