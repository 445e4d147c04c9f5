"""What is shown of an entry: as a record for programs, as a line for people."""

import time
from typing import NamedTuple

from im.cli.marks import SIGNS, Mark
from im.cli.output import Json, shown
from im.core.entries import PUSH, TEXT

APP = "(app)"
"""Who sent what the app itself did."""


class Shown(NamedTuple):
    """An entry of a conversation. `mark` is that of an own message, else None."""

    conversation: str
    seq: int
    sender: str
    kind: int
    text: str
    server_time_ms: int
    mark: Mark | None = None


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
    return fields


def line(entry: Shown) -> str:
    """The entry for people, on one line."""
    sign = f"  {SIGNS[entry.mark]}" if entry.mark is not None else ""
    return f"{moment(entry.server_time_ms)} {shown(entry.sender or APP)}: {shown(what_it_says(entry))}{sign}"


def what_it_says(entry: Shown) -> str:
    """A text as it is, and what was pushed; a word for every other kind."""
    if entry.kind in (TEXT, PUSH):
        return entry.text
    return "(can no longer be shown)" if entry.kind == 0 else f"(message of kind {entry.kind})"


def moment(time_ms: int) -> str:
    """A server time in the local time zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time_ms / 1000))
