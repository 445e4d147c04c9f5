"""Entries of one group that go to many sessions at once: looked up, framed and joined once for all."""

from struct import Struct

_length = Struct("!I").pack


class Run:
    """Some entries of one conversation, ascending by seq. `size` are the bytes of their envelopes."""

    __slots__ = ("_stream", "entries", "size")

    def __init__(self, entries: list[tuple[int, bytes]]) -> None:
        self.entries = entries
        self.size = sum(len(frame) for _, frame in entries)
        self._stream = b""

    @property
    def stream(self) -> bytes:
        """All envelopes, each behind its length, as a stream carries them."""
        if not self._stream:
            self._stream = b"".join(_length(len(frame)) + frame for _, frame in self.entries)
        return self._stream
