"""What operators tell the local node to do, over its admin port."""

from argparse import Namespace
from collections.abc import Mapping

from im.cli.admin import ask
from im.cli.failures import failed
from im.cli.keys import local_token
from im.cli.output import Output, shown
from im.cli.place import node_of, state_folder

TOKEN_SECONDS = 60.0


def order(arguments: Namespace, output: Output, path: str, body: Mapping[str, str], done: str) -> None:
    """POST `body`, and tell what came of it: `done`, and how many sessions ended.

    Raises `Failure` where it was refused.
    """
    folder = state_folder(arguments)
    node = node_of(folder)
    token = local_token(folder, "imctl", TOKEN_SECONDS, is_admin=True)
    answer = ask(node, path, token, body)
    document = answer.document()
    if answer.status != 200:
        raise failed(f"refused: {document['error']['text']}", document["error"]["code"])
    evicted = document["evicted"]
    sessions = "1 session ended" if evicted == 1 else f"{evicted} sessions ended"
    output.record({**body, "evicted": evicted}, f"{shown(done)}; {sessions}")
