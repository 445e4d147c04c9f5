"""A load generator's WebSocket: the handshake, and frames masked with zeros, which costs nothing."""

from urllib.parse import urlsplit

from im.bench.loop import Channel, Loop, OnFrame

_BINARY = 0x82
_MASKED = 0x80
_NO_MASK = bytes(4)


def connect(loop: Loop, url: str, on_frame: OnFrame) -> Channel:
    """A new channel to a `ws:` URL whose frames are binary messages."""
    parts = urlsplit(url)
    channel = WebSocketChannel(loop, (parts.hostname or "", parts.port or 80), on_frame)
    channel.shake_hands(parts.netloc, parts.path)
    loop.add(channel)
    return channel


class WebSocketChannel(Channel):
    """As `Channel`, with RFC 6455 framing. Control frames of the server are passed over."""

    __slots__ = ()

    def shake_hands(self, host: str, path: str) -> None:
        """Upgrade. Raises OSError if the server does not."""
        self.socket.setblocking(True)
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bG9hZCBnZW5lcmF0b3IhIQ==\r\n"
            "Sec-WebSocket-Protocol: im.v1\r\n\r\n".encode()
        )
        answer = b""
        while b"\r\n\r\n" not in answer:
            data = self.socket.recv(4096)
            if not data:
                break
            answer += data
        if not answer.startswith(b"HTTP/1.1 101"):
            raise OSError(f"no upgrade: {answer[:80]!r}")
        self.socket.setblocking(False)

    def frame(self, payload: bytes) -> bytes:
        """One masked binary message."""
        size = len(payload)
        if size < 126:
            head = bytes((_BINARY, _MASKED | size))
        elif size < 65_536:
            head = bytes((_BINARY, _MASKED | 126)) + size.to_bytes(2, "big")
        else:
            head = bytes((_BINARY, _MASKED | 127)) + size.to_bytes(8, "big")
        return head + _NO_MASK + payload

    def take(self, data: bytes) -> int:
        """Hand on the messages at the start of `data`; how many bytes that took."""
        start, size = 0, len(data)
        while size - start >= 2:
            length, body = data[start + 1], start + 2
            if length > 125:
                wide = 2 if length == 126 else 8
                body += wide
                if body > size:
                    break
                length = int.from_bytes(data[start + 2 : body], "big")
            if body + length > size:
                break
            if data[start] == _BINARY:
                self.on_frame(data[body : body + length])
            start = body + length
        return start
