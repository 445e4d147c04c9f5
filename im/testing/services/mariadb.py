"""A private MariaDB that keeps nothing but its InnoDB tables."""

import os
import socket
from collections.abc import Sequence
from pathlib import Path

from im.testing.services.process import ServerProcess

_PROGRAM = "/usr/sbin/mariadbd"
_SMALL_AND_FAST = (
    "--innodb-buffer-pool-size=16M",
    "--innodb-log-file-size=4M",
    "--innodb-flush-log-at-trx-commit=0",
    "--skip-innodb-doublewrite",
    "--innodb-fast-shutdown=2",
    "--aria-log-file-size=8M",
    "--key-buffer-size=1M",
    "--performance-schema=0",
    "--max-connections=100",
)


class MariaDbServer(ServerProcess):
    """mariadbd without its own tables: it knows no users and lets everybody in, and starts in no time."""

    name = "mariadb"
    package = "mariadb-server-core"

    @property
    def url(self) -> str:
        """See `ServerProcess`. It names no database: there is none."""
        return f"mysql+pymysql://im@127.0.0.1:{self.port}"

    def prepare(self) -> None:
        """See `ServerProcess`."""
        self._data.joinpath("mysql").mkdir(parents=True, exist_ok=True)

    def command(self) -> Sequence[str]:
        """See `ServerProcess`."""
        return [
            _PROGRAM,
            "--no-defaults",
            *(["--user=root"] if os.getuid() == 0 else []),
            f"--datadir={self._data}",
            f"--tmpdir={self.folder}",
            f"--socket={self.folder / 'socket'}",
            f"--pid-file={self.folder / 'pid'}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            "--skip-grant-tables",
            "--skip-name-resolve",
            "--skip-log-bin",
            *_SMALL_AND_FAST,
        ]

    def is_ready(self) -> bool:
        """See `ServerProcess`."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1.0) as connection:
                connection.settimeout(2.0)
                return len(connection.recv(16)) > 5  # a greeting, with the version
        except OSError:
            return False

    @property
    def _data(self) -> Path:
        return self.folder / "data"
