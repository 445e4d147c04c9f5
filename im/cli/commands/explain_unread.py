"""`imctl explain-unread`."""

from argparse import Namespace
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from im.cli.failures import failed
from im.cli.operators import question
from im.cli.output import Output, shown
from im.cli.records import APP, moment

_CURSORS = (("read", "read"), ("own_last", "own last"), ("clear", "cleared"), ("join", "before joining"))
_TERMS = (("own_after", "own after c"), ("recalled", "recalled after c"), ("deleted", "deleted after c"))


def run(arguments: Namespace, output: Output) -> None:
    """Show each term of an unread number, and the messages that it counts."""
    query = urlencode({"user": arguments.user, "conversation": arguments.conversation})
    told = question(arguments, f"/v1/unread/explain?{query}")
    output.record(told, "\n".join(_lines(told)))
    if told["unread"] != told["recounted"]:
        raise failed(f"{told['recounted']} messages are there: this number is wrong", "differs")


def _lines(told: Any) -> Iterator[str]:
    yield f"{shown(told['user'])} has {told['unread']} unread in {shown(told['conversation'])}"
    head, seen = told["head"], told["seen"]
    cursors = ", ".join(f"{name} {told[field]['seq']}" for field, name in _CURSORS)
    yield f"   {head['n']:6}  n(head): what counts up to the head, seq {head['seq']}"
    yield f" - {seen['n']:6}  n(c): of that up to c = seq {seen['seq']}, the furthest of {cursors}"
    for field, name in _TERMS:
        yield f" - {told[field]:6}  {name}"
    yield f" = {told['unread']:6}  unread; {told['recounted']} counted message by message"
    for each in told["messages"]:
        yield f"seq {each['seq']}  {moment(each['time_ms'])}  {shown(each['sender'] or APP)}  {each['name']}"
    left = told["recounted"] - len(told["messages"])
    if left > 0:
        yield f"and {left} more"
    if told["marked"]:
        yield "marked as unread: apps show that, whatever the number is"
    if told["muted"]:
        yield "muted: it does not count for the badge"
