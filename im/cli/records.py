"""What is shown of an entry: as a record for programs, as a line for people."""

import time
from collections.abc import Mapping
from typing import NamedTuple

from im.cli.marks import SIGNS, Mark
from im.cli.output import Json, shown

NO_FACTS: Mapping[str, Json] = {}

APP = "(app)"
"""Who sent what the app itself did."""


class Shown(NamedTuple):
    """An entry of a conversation. `mark` is that of an own message, else None.

    `text` is for programs, and `said` what people see of it; `facts` is what programs are told beside.
    """

    conversation: str
    seq: int
    sender: str
    kind: int
    text: str
    server_time_ms: int
    said: str
    mark: Mark | None = None
    facts: Mapping[str, Json] = NO_FACTS


def record(entry: Shown) -> dict[str, Json]:
    """The entry for programs; `state` only where it has a mark."""
    fields: dict[str, Json] = {
        "conversation": entry.conversation,
        "seq": entry.seq,
        "sender": entry.sender,
        "text": entry.text,
        "kind": entry.kind,
        "server_time_ms": entry.server_time_ms,
    }
    if entry.mark is not None:
        fields["state"] = entry.mark.value
    return {**fields, **entry.facts}


def line(entry: Shown) -> str:
    """The entry for people, on one line."""
    sign = f"  {SIGNS[entry.mark]}" if entry.mark is not None else ""
    return f"{moment(entry.server_time_ms)} {shown(entry.sender or APP)}: {shown(entry.said)}{sign}"


def moment(time_ms: int) -> str:
    """A server time in the local time zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time_ms / 1000))
