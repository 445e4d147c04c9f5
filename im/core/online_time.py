"""How long a user was online: figures from recorded sessions, each with how far it may be off.

Every end of a recorded span has a stretch around it in which the true end lies. A figure is the
length of the union of the spans within its bucket; it can be off by no more than the length of
the union of those stretches there. So figures and bounds of hours sum exactly to those of their
day, and a device class never has more than all together.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from im.core.calendars import Bucket, edges
from im.core.sessions import dead_after
from im.core.spans import Span, cut, merged

SLACK_MS = 1_000
"""What any moment may be off: two ticks of the node, and the way through the network."""

LEASE_MS = 5_000
"""Between the notes of a living node; its crash lies within this after the last one."""


class Stay(NamedTuple):
    """A session as it was recorded.

    Its end may be off by `bound_ms`. `clock_ms` is what the wall clock jumped meanwhile, either
    way: the whole session may be placed wrong by as much. Of changes of the app state `blurred_ms`
    were merged away.
    """

    device_class: str
    opened_ms: int
    closed_ms: int
    bound_ms: int
    foreground: tuple[Span, ...]
    clock_ms: int = 0
    blurred_ms: int = 0


class Figure(NamedTuple):
    """Of one bucket and device class; "" is the union of all. Each time beside how far it may be off."""

    bucket: str
    device_class: str
    online_ms: int
    online_bound_ms: int
    foreground_ms: int
    foreground_bound_ms: int


def end_bound_ms(heartbeat_ms: int) -> int:
    """How far an end may be off that was heard by a node that lived on: one heartbeat."""
    return heartbeat_ms + SLACK_MS


def crash_bound_ms(heartbeat_ms: int) -> int:
    """How far an end may be off where nothing is known but when the node was last alive.

    Its client may have been dead for as long as a node waits before it takes one for dead.
    """
    return round(dead_after(heartbeat_ms)) + LEASE_MS + SLACK_MS


def figures(stays: Sequence[Stay], of: Sequence[Bucket]) -> list[Figure]:
    """All figures that are not 0, by bucket, in each first that of all classes, then by class."""
    classes = sorted({stay.device_class for stay in stays})
    columns = [_column("", stays, of)]
    columns += [_column(each, [stay for stay in stays if stay.device_class == each], of) for each in classes]
    return [figure for row in zip(*columns, strict=True) for figure in row if any(figure[2:])]


def _column(device_class: str, stays: Sequence[Stay], of: Sequence[Bucket]) -> list[Figure]:
    at = edges(of)
    online = cut(merged((stay.opened_ms, stay.closed_ms) for stay in stays), at)
    online_bound = cut(merged(doubt for stay in stays for doubt in _online_doubts(stay)), at)
    foreground = cut(merged(span for stay in stays for span in stay.foreground), at)
    foreground_bound = cut(merged(doubt for stay in stays for doubt in _foreground_doubts(stay)), at)
    for stay in stays:
        if stay.blurred_ms:
            overlaps = cut([(stay.opened_ms, max(stay.opened_ms, stay.closed_ms))], at)
            for number, overlap in enumerate(overlaps):
                foreground_bound[number] += min(stay.blurred_ms, overlap)
    return [
        Figure(bucket.name, device_class, *numbers)
        for bucket, *numbers in zip(of, online, online_bound, foreground, foreground_bound, strict=True)
    ]


def _online_doubts(stay: Stay) -> Iterable[Span]:
    yield _around(stay.opened_ms, SLACK_MS + stay.clock_ms)
    yield _around(stay.closed_ms, stay.bound_ms + stay.clock_ms)


def _foreground_doubts(stay: Stay) -> Iterable[Span]:
    for start_ms, end_ms in stay.foreground:
        yield _around(start_ms, SLACK_MS + stay.clock_ms)
        last = end_ms >= stay.closed_ms
        yield _around(end_ms, (stay.bound_ms if last else SLACK_MS) + stay.clock_ms)


def _around(moment_ms: int, by_ms: int) -> Span:
    return moment_ms - by_ms, moment_ms + by_ms
