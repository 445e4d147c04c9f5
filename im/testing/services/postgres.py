"""A private PostgreSQL, fast or as durable as a real one."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from im.testing.services.process import ServerProcess

_FOLDERS = "/usr/lib/postgresql"
_PRIVATE = ("listen_addresses=127.0.0.1", "max_connections=200")
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class PostgresServer(ServerProcess):
    """The newest PostgreSQL that is installed, user `im` without a password, database `im`.

    As root it runs as the user postgres. `is_durable`: with fsync, as in production.
    """

    name = "postgresql"
    package = "postgresql"
    stop_signal = signal.SIGINT
    is_durable = False

    @property
    def url(self) -> str:
        """See `ServerProcess`."""
        return f"postgresql://im@127.0.0.1:{self.port}/im"

    def prepare(self) -> None:
        """See `ServerProcess`."""
        if (self.folder / "data" / "PG_VERSION").exists():
            return
        access = ["-U", "im", "-A", "trust"]
        plain = ["-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
        self.run([self._program("initdb"), "-D", str(self.folder / "data"), *access, *plain])

    def command(self) -> Sequence[str]:
        """See `ServerProcess`."""
        private = (f"unix_socket_directories={self.folder}", *_PRIVATE)
        settings = private if self.is_durable else (*private, *_FAST)
        options = [each for setting in settings for each in ("-c", setting)]
        return [self._program("postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), *options]

    def environment(self) -> Mapping[str, str]:
        """See `ServerProcess`."""
        return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "HOME": str(self.folder)}

    def user(self) -> str:
        """See `ServerProcess`."""
        return self.user_of_it()

    @staticmethod
    def user_of_it() -> str:
        """The system's user that it would run as; "" for ours."""
        return "postgres" if os.getuid() == 0 else ""

    def is_ready(self) -> bool:
        """See `ServerProcess`."""
        asked = [self._program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(asked, check=False).returncode == 0 and self._has_database()

    def _has_database(self) -> bool:
        made = [self._program("createdb"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "im", "im"]
        done = subprocess.run(made, check=False, capture_output=True)
        return done.returncode == 0 or b"already exists" in done.stderr

    def _program(self, name: str) -> str:
        found = sorted(Path(_FOLDERS).glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
        if not found:
            raise self.missing()
        return str(found[-1])
