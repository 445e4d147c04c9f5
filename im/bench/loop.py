"""Sockets for load generators: one epoll, frames in, frames out, nothing else.

It has to cost less than the server that it loads, on one core, so it does not use the client
library. A channel gathers what a turn writes and sends it at once when the turn ends.
"""

import select
import socket
from collections.abc import Callable
from time import perf_counter

CHUNK = 65_536

OnFrame = Callable[[bytes], None]


class Channel:
    """One connection. `on_frame` gets each payload; `write` takes a payload."""

    __slots__ = ("_loop", "_out", "_recv", "_rest", "_send", "fileno", "is_open", "on_frame", "socket")

    def __init__(self, loop: "Loop", address: tuple[str, int], on_frame: OnFrame) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.fileno = self.socket.fileno()
        self.is_open = True
        self.on_frame = on_frame
        self._loop = loop
        self._rest = self._out = b""
        self._recv, self._send = self.socket.recv, self.socket.send

    def write(self, payload: bytes) -> None:
        """Send a frame when the loop's turn ends."""
        frame = self.frame(payload)
        if self._out:
            self._out += frame
        else:
            self._out = frame
            self._loop.to_flush.append(self)

    def flush(self) -> None:
        """Send what was written. A full socket is waited for: the generator's own queue stays short."""
        data, self._out = self._out, b""
        try:
            sent = self._send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.is_open = False
            return
        if sent < len(data):
            self.socket.setblocking(True)
            self.socket.sendall(data[sent:])
            self.socket.setblocking(False)

    def readable(self) -> None:
        """Take what came and hand each whole frame on."""
        try:
            data = self._recv(CHUNK)
        except OSError:
            data = b""
        if not data:
            self.is_open = False
            self._loop.forget(self)
            return
        if self._rest:
            data = self._rest + data
        taken = self.take(data)
        self._rest = data[taken:] if taken < len(data) else b""

    def frame(self, payload: bytes) -> bytes:
        """A payload with its framing."""
        return len(payload).to_bytes(4, "big") + payload

    def take(self, data: bytes) -> int:
        """Hand on the whole frames at the start of `data`; how many bytes that took."""
        start, size, on_frame = 0, len(data), self.on_frame
        while size - start >= 4:
            end = start + 4 + int.from_bytes(data[start : start + 4], "big")
            if end > size:
                break
            on_frame(data[start + 4 : end])
            start = end
        return start

    def close(self) -> None:
        """Close without a word."""
        self._loop.forget(self)
        self.socket.close()
        self.is_open = False


class Loop:
    """The event loop of a load generator."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._channels: dict[int, Channel] = {}
        self.to_flush: list[Channel] = []
        self.now = perf_counter()

    def connect(self, address: tuple[str, int], on_frame: OnFrame) -> Channel:
        """A new connection to `address`, made at once."""
        channel = Channel(self, address, on_frame)
        self.add(channel)
        return channel

    def add(self, channel: Channel) -> None:
        """Listen to a channel."""
        self._channels[channel.fileno] = channel
        self._epoll.register(channel.fileno, select.EPOLLIN)

    def forget(self, channel: Channel) -> None:
        """Listen to a channel no more."""
        if self._channels.pop(channel.fileno, None) is not None:
            self._epoll.unregister(channel.fileno)

    def turn(self, wait_seconds: float) -> None:
        """Read what is there, waiting for at most `wait_seconds`, then send what was written."""
        events = self._epoll.poll(wait_seconds, 512)
        self.now = perf_counter()
        channels = self._channels
        for fileno, _ in events:
            channel = channels.get(fileno)
            if channel is not None:
                channel.readable()
        to_flush, self.to_flush = self.to_flush, []
        for channel in to_flush:
            channel.flush()

    def turn_for(self, seconds: float) -> None:
        """Turn for so long, whatever comes."""
        self.run_until(lambda: False, seconds)

    def run_until(self, is_done: Callable[[], bool], seconds: float) -> bool:
        """Turn until `is_done` or the time is up; whether it was done."""
        ends = perf_counter() + seconds
        while not is_done():
            if perf_counter() > ends:
                return False
            self.turn(0.01)
        return True
