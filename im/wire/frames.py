"""Frames: a payload behind its length, four bytes, big-endian. No input or output of its own.

Nodes frame TCP with Twisted's `Int32StringReceiver`; this is the same format for clients and tests.
"""

import struct

_LENGTH = struct.Struct(">I")


class FrameTooLargeError(ValueError):
    """A length over the limit. `payloads` are the frames that were complete before it."""

    def __init__(self, length: int, max_bytes: int, payloads: list[bytes]) -> None:
        super().__init__(f"a frame of {length} bytes, where {max_bytes} are allowed")
        self.payloads = payloads


def frame(payload: bytes) -> bytes:
    """The payload as it travels over TCP and TLS."""
    return _LENGTH.pack(len(payload)) + payload


class Decoder:
    """Turns received bytes back into payloads, however the network split them.

    Holds less than one frame between two calls. A length over `max_bytes` raises as soon as its four
    bytes are there; nothing can be read after it, so every later call raises too.
    """

    __slots__ = ("_max_bytes", "_oversized", "_rest")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._rest = bytearray()
        self._oversized = 0

    @property
    def buffered(self) -> int:
        """How many bytes of an unfinished frame are held."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that are complete with `data`, in order. Raises `FrameTooLargeError`."""
        if self._oversized:
            raise FrameTooLargeError(self._oversized, self._max_bytes, [])
        if self._rest:
            self._rest += data
            payloads, taken, oversized = self._split(self._rest)
            del self._rest[:taken]  # moves a start pointer; it copies nothing
        else:
            payloads, taken, oversized = self._split(data)
            self._rest += data[taken:]
        if oversized:
            self._oversized = oversized
            self._rest.clear()
            raise FrameTooLargeError(oversized, self._max_bytes, payloads)
        return payloads

    def _split(self, source: bytes | bytearray) -> tuple[list[bytes], int, int]:
        """Complete payloads, the bytes that they took, and the length that is over the limit, or 0."""
        payloads: list[bytes] = []
        start, end = 0, len(source)
        while end - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(source, start)
            if length > self._max_bytes:
                return payloads, start, length
            stop = start + _LENGTH.size + length
            if stop > end:
                break
            payloads.append(bytes(source[start + _LENGTH.size : stop]))
            start = stop
        return payloads, start, 0
