"""`imctl verify-unread`."""

from argparse import Namespace
from urllib.parse import urlencode

from im.cli.failures import failed
from im.cli.operators import question
from im.cli.output import Output, shown


def run(arguments: Namespace, output: Output) -> None:
    """Recount what is unread from the messages alone, and show every difference."""
    whose = {"user": arguments.user} if arguments.user else {}
    places = differences = 0
    after: dict[str, str] | None = {}
    while after is not None:
        page = question(arguments, f"/v1/unread/verify?{urlencode(whose | after)}")
        places += page["places"]
        differences += len(page["differences"])
        for each in page["differences"]:
            place = f"{shown(each['user'])} in {shown(each['conversation'])}"
            output.record(each, f"{place}: {each['unread']} unread, {each['recounted']} counted")
        after = page["next"]
    text = f"{places} places, {differences} differences"
    output.record({"places": places, "differences": differences}, text)
    if differences:
        raise failed(text, "differs")
