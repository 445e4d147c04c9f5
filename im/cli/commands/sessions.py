"""`imctl sessions`."""

from argparse import Namespace
from urllib.parse import urlencode

from im.cli.admin import ask
from im.cli.failures import failed
from im.cli.keys import local_token
from im.cli.output import Output, shown
from im.cli.place import node_of, state_folder

TOKEN_SECONDS = 60.0
LIMIT = 1_000


def run(arguments: Namespace, output: Output) -> None:
    """Show who is connected to the local node."""
    folder = state_folder(arguments)
    node = node_of(folder, arguments.node or "")
    query = {"limit": str(LIMIT)} | ({"user": arguments.user} if arguments.user else {})
    token = local_token(folder, "imctl", TOKEN_SECONDS, is_admin=True)
    answer = ask(node, f"/v1/sessions?{urlencode(query)}", token)
    document = answer.document()
    if answer.status != 200:
        raise failed(f"refused: {document['error']['text']}", document["error"]["code"])
    for session in document["sessions"]:
        columns = (session[each] for each in ("user", "device_class", "device", "node", "session"))
        output.record(session, "  ".join(shown(each) for each in columns))
    if document["more"]:
        output.note(f"there are more than these {LIMIT}; name a --user")
