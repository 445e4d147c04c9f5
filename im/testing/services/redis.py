"""A private Redis that keeps nothing."""

import socket
from collections.abc import Sequence

from im.testing.services.process import ServerProcess


class RedisServer(ServerProcess):
    """redis-server, without any file; with a `password` it asks for it."""

    name = "redis-server"
    package = "redis-server"
    password = ""

    @property
    def url(self) -> str:
        """See `ServerProcess`."""
        secret = f":{self.password}@" if self.password else ""
        return f"redis://{secret}127.0.0.1:{self.port}/0"

    def command(self) -> Sequence[str]:
        """See `ServerProcess`."""
        secret = ["--requirepass", self.password] if self.password else []
        no_files = ["--save", "", "--appendonly", "no", "--dir", str(self.folder)]
        return ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", *no_files, *secret]

    def is_ready(self) -> bool:
        """See `ServerProcess`."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1.0) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16)[:1] in (b"+", b"-")
        except OSError:
            return False
