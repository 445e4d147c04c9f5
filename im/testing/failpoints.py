"""Runs `twistd` on a disk whose COMMIT kills the process, fails, or waits: for tests of crashes.

    IM_FAIL_COMMIT=kill_before:17 python -m im.testing.failpoints -- -n --pidfile= im-gateway …

`IM_FAIL_COMMIT` is what happens at which COMMIT of the process, counted from 1:

- `kill_before:N`, `kill_after:N`: the process gets SIGKILL just before, or just after, the N-th;
- `error:N`: in the place of the N-th, and of each after it, an I/O error is raised;
- `hold`: each waits for as long as the file exists that `IM_FAIL_FILE` names; while one waits there
  is a file of the same name with `.reached` behind it.

With `IM_FAIL_FILE` the first three count only COMMITs that are made while that file exists.
"""

import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from twisted.scripts.twistd import run

from im.adapters.sql.sqlite.database import Commit, FileDatabase, commit
from im.tap import storing

POLL_SECONDS = 0.005


class FailPoint(NamedTuple):
    """What happens at which COMMIT. `file` None: all of them count."""

    action: str
    at: int
    file: Path | None

    @property
    def is_armed(self) -> bool:
        """Whether a COMMIT counts now."""
        return self.file is None or self.file.exists()


def read_fail_point(environ: Mapping[str, str]) -> FailPoint | None:
    """The fail-point that the environment asks for. Raises `ValueError`."""
    asked = environ.get("IM_FAIL_COMMIT", "")
    if not asked:
        return None
    action, _, at = asked.partition(":")
    named = environ.get("IM_FAIL_FILE", "")
    if action not in _ACTIONS or (action == "hold" and not named):
        raise ValueError(f"IM_FAIL_COMMIT={asked}: there is no such fail-point, or it needs IM_FAIL_FILE")
    return FailPoint(action, int(at or 1), Path(named) if named else None)


def failing_commit(point: FailPoint) -> Commit:
    """A COMMIT with a fail-point."""
    act = _ACTIONS[point.action]
    passed = 0

    def fail_or_commit(connection: sqlite3.Connection) -> None:
        nonlocal passed
        if point.is_armed:
            passed += 1
            if passed >= point.at:
                act(connection, point)
                return
        commit(connection)

    return fail_or_commit


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _kill_before(connection: sqlite3.Connection, point: FailPoint) -> None:
    _die()


def _kill_after(connection: sqlite3.Connection, point: FailPoint) -> None:
    commit(connection)
    _die()


def _error(connection: sqlite3.Connection, point: FailPoint) -> None:
    raise sqlite3.OperationalError("disk I/O error")


def _hold(connection: sqlite3.Connection, point: FailPoint) -> None:
    assert point.file is not None
    reached = point.file.with_name(f"{point.file.name}.reached")
    reached.touch()
    while point.is_armed:
        time.sleep(POLL_SECONDS)  # the writer's thread
    commit(connection)
    reached.unlink()


_ACTIONS: dict[str, Callable[[sqlite3.Connection, FailPoint], None]] = {
    "kill_before": _kill_before,
    "kill_after": _kill_after,
    "error": _error,
    "hold": _hold,
}


def main() -> None:
    """Run `twistd` with the arguments behind `--`."""
    arguments = sys.argv[sys.argv.index("--") + 1 :]
    point = read_fail_point(os.environ)
    chosen = commit if point is None else failing_commit(point)
    sys.argv = ["twistd", *arguments]
    with patch.object(storing, "FileDatabase", partial(FileDatabase, commit=chosen)):
        run()


if __name__ == "__main__":
    main()
