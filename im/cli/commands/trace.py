"""`imctl trace`."""

from argparse import Namespace
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from im.cli.failures import usage
from im.cli.operators import question
from im.cli.output import Output, shown
from im.cli.records import APP, moment

SECONDS = 10.0

_STATES: Mapping[str, str] = {
    "in_flight": "in flight, not acknowledged",
    "dropped": "dropped, it reads too slowly; it is to be told to pull",
    "came_later": "came later, and pulls it",
    "acknowledged": "acknowledged",
    "nothing_in_flight": "nothing in flight, and not acknowledged yet",
}


def run(arguments: Namespace, output: Output) -> None:
    """Show how one message went."""
    trace = question(arguments, f"/v1/trace?{urlencode(_asked(arguments))}", seconds=SECONDS)
    output.record(trace, "\n".join(shown(line) for line in _lines(trace)))


def _asked(arguments: Namespace) -> dict[str, str]:
    if arguments.conversation and arguments.seq and not (arguments.user or arguments.client_id):
        return {"conversation": arguments.conversation, "seq": str(arguments.seq)}
    if arguments.user and arguments.client_id and not arguments.conversation:
        return {"user": arguments.user, "client_msg_id": arguments.client_id}
    raise usage("name a message: CONVERSATION SEQ, or --as USER --client-id HEX")


def _lines(trace: dict[str, Any]) -> Iterator[str]:
    yield f"{trace['conversation']} {trace['seq']}, from {trace['sender'] or APP}, {trace['client_msg_id']}"
    yield f"committed  {moment(trace['committed_ms'])}{_committed_by(trace)}"
    yield f"announced  {_announced(trace)}"
    for session in trace["sessions"]:
        columns = (session["user"], session["device_class"], session["device"], session["node"])
        resends = f", resent {session['resends']} times" if session["resends"] else ""
        yield "  ".join(("session   ", *columns, f"{_STATES[session['state']]}{resends}"))
    for member in trace["members"]:
        cursors = f"(delivered to {member['delivered_seq']}, read to {member['read_seq']})"
        yield "  ".join(("member    ", member["user"], _stand(member, trace["sender"]), cursors))
    left = trace["members_total"] - len(trace["members"])
    if left:
        yield f"and {left} more members"


def _stand(member: dict[str, Any], sender: str) -> str:
    told = [] if member["is_connected"] else ["not connected"]
    if member["user"] == sender:
        return ", ".join(["sent it", *told])
    delivered = "delivered" if member["is_delivered"] else "not delivered"
    return ", ".join([delivered, "read" if member["is_read"] else "not read", *told])


def _committed_by(trace: dict[str, Any]) -> str:
    if trace["shard"] is None:
        return ""
    owner = f"{trace['worker']}, epoch {trace['epoch']}" if trace["worker"] else "an earlier owner"
    return f" by {owner}, of shard {trace['shard']}"


def _announced(trace: dict[str, Any]) -> str:
    if not trace["nodes"]:
        where = "no node has sessions of its members"
    else:
        where = "to " + ", ".join(f"{each['node']}{_trouble(each)}" for each in trace["nodes"])
    return where if trace["is_announced"] else f"perhaps not yet; {where}"


def _trouble(node: dict[str, Any]) -> str:
    if not node["has_answered"]:
        return " (does not answer)"
    return "" if node["is_complete"] else " (has more sessions than are shown)"
