"""Arithmetic of spans of time: (start, end) in whole ms, end excluded."""

from collections.abc import Iterable, Sequence

Span = tuple[int, int]


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time in ascending spans that do not touch; empty ones are left out."""
    result: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if result and start <= result[-1][1]:
            if end > result[-1][1]:
                result[-1] = (result[-1][0], end)
        else:
            result.append((start, end))
    return result


def measure(spans: Iterable[Span]) -> int:
    """How long merged spans are together."""
    return sum(end - start for start, end in spans)


def cut(spans: Sequence[Span], edges: Sequence[int]) -> list[int]:
    """How much of merged spans lies between each edge and the next; edges ascend."""
    lengths = [0] * max(0, len(edges) - 1)
    first = 0
    for start, end in spans:
        while first < len(lengths) and edges[first + 1] <= start:
            first += 1
        at = first
        while at < len(lengths) and edges[at] < end:
            lengths[at] += max(0, min(end, edges[at + 1]) - max(start, edges[at]))
            at += 1
    return lengths
