"""Who may see what of a group, by nothing but its log; and what is wrong with what somebody was handed."""

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

from im.client import Message
from im.client.core.contents import group_event_of
from im.core.entries import GROUP_CREATED, MEMBER_LEFT, MEMBERS_ADDED, MEMBERS_REMOVED
from im.core.messages import Entry

MOST_NAMED = 5
"""Missing entries that a finding names."""


class Span(NamedTuple):
    """From somebody's coming to their going, or to the head; both ends are theirs to see."""

    first: int
    last: int

    def holds(self, seq: int) -> bool:
        """Whether an entry lies in it."""
        return self.first <= seq <= self.last


def spans_by_user(log: Sequence[Entry]) -> dict[str, list[Span]]:
    """When everybody was in the group whose whole log this is. An open end is the head."""
    spans: defaultdict[str, list[Span]] = defaultdict(list)
    for entry in log:
        event = group_event_of(entry.kind, entry.content)
        for user in event.users if event is not None else ():
            if entry.kind in (GROUP_CREATED, MEMBERS_ADDED):
                spans[user].append(Span(entry.seq, len(log)))
            elif entry.kind in (MEMBER_LEFT, MEMBERS_REMOVED):
                spans[user][-1] = spans[user][-1]._replace(last=entry.seq)
    return dict(spans)


def strangers_in(log: Sequence[Entry], spans: Mapping[str, Sequence[Span]]) -> list[str]:
    """Entries of who was no member when they were stored."""
    return [
        f"{entry.sender} wrote {entry.seq} and was no member"
        for entry in log
        if not any(span.holds(entry.seq) for span in spans.get(entry.sender, ()))
    ]


def faults_of(
    log: Sequence[Entry], spans: Sequence[Span], handed: Sequence[Message], own: Container[bytes]
) -> list[str]:
    """What is wrong with what one client was handed; its `own` messages it need not be.

    All of the last span must have come. Of an earlier one the end may be missing: who comes again before
    they had it goes on from there.
    """
    found = [*_wrong(log, spans, handed)]
    came = {message.seq for message in handed}
    for number, span in enumerate(spans, 1):
        end = span.last
        if number < len(spans):
            end = max((seq for seq in came if span.holds(seq)), default=0)
        entries = log[span.first - 1 : end]
        missing = [each.seq for each in entries if each.seq not in came and each.client_msg_id not in own]
        if missing:
            found.append(f"{len(missing)} of {span} never came: {missing[:MOST_NAMED]}")
    return found


def _wrong(log: Sequence[Entry], spans: Sequence[Span], handed: Sequence[Message]) -> list[str]:
    found = []
    at = 0
    for message in handed:
        entry = log[message.seq - 1] if message.seq <= len(log) else None
        if entry is None or (entry.client_msg_id, entry.content) != (message.client_msg_id, message.content):
            found.append(f"{message.seq} is not what is stored")
        elif not any(span.holds(message.seq) for span in spans):
            found.append(f"{message.seq} came, and lies outside of {spans}")
        elif message.seq <= at:
            found.append(f"{message.seq} came after {at}")
        at = max(at, message.seq)
    return found
