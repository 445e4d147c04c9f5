"""Gathers what one batch of the node bus writes, so that each socket is written to once (2 µs a message)."""

from typing import Protocol

_PARTS = 64
_LARGE_BYTES = 1_024
"""Of a sink wait at most so many parts, each smaller: what a socket does not take must show at once."""


class Sink(Protocol):
    """What is written to in the end."""

    def write(self, data: bytes, /) -> None:
        """Send bytes."""


class Outbox:
    """Between `hold` and `release` what is written waits here, by its sink."""

    def __init__(self) -> None:
        self._waiting: dict[Sink, list[bytes]] | None = None

    def hold(self) -> None:
        """From now on gather."""
        self._waiting = {}

    def release(self) -> None:
        """Write what was gathered, and gather no more."""
        waiting, self._waiting = self._waiting, None
        for sink, parts in (waiting or {}).items():
            sink.write(parts[0] if len(parts) == 1 else b"".join(parts))

    def write(self, sink: Sink, data: bytes) -> None:
        """Write, or keep for the release."""
        waiting = self._waiting
        if waiting is None:
            sink.write(data)
        elif len(data) >= _LARGE_BYTES:
            self.flush(sink)
            sink.write(data)
        elif sink in waiting:
            parts = waiting[sink]
            parts.append(data)
            if len(parts) == _PARTS:
                self.flush(sink)
        else:
            waiting[sink] = [data]

    def flush(self, sink: Sink) -> None:
        """Write what waits for a sink now."""
        parts = self._waiting.pop(sink, None) if self._waiting else None
        if parts:
            sink.write(b"".join(parts))
