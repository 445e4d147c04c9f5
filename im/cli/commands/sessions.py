"""`imctl sessions`."""

from argparse import Namespace
from urllib.parse import urlencode

from im.cli.operators import question
from im.cli.output import Output, shown

LIMIT = 1_000


def run(arguments: Namespace, output: Output) -> None:
    """Show who is connected to the local node."""
    query = {"limit": str(LIMIT)} | ({"user": arguments.user} if arguments.user else {})
    document = question(arguments, f"/v1/sessions?{urlencode(query)}")
    for session in document["sessions"]:
        columns = (session[each] for each in ("user", "device_class", "device", "node", "session"))
        output.record(session, "  ".join(shown(each) for each in columns))
    if document["more"]:
        output.note(f"there are more than these {LIMIT}; name a --user")
