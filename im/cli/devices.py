"""The devices of imctl: one a user and state folder, reused; more only while several commands run at once.

`clients/USER~1.sqlite` is the state of a user's first device; `~` stands in no user id. A command
takes the first device that no other command uses, or before it one that still has messages to send.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from im.cli.failures import failed
from im.client.core.events import Message
from im.client.core.state import Saved, Unsent, Watermark
from im.client.errors import StateLockedError, StateVersionError
from im.client.sqlite_state import SqliteState
from im.core.messages import Head, SyncCursor

MAX_DEVICES = 8
"""Commands of one user that may run at once in one state folder."""

CLIENTS_FOLDER = "clients"
_LONGEST_NAME = 120


class DeviceState:
    """A device that keeps its id, its login attempts and what it has yet to send, but no cursors.

    Where it begins to receive, the server tells at each login: where deliveries to the user, on
    whatever device, stopped. `is_news` covers what the server has not noted yet.
    """

    def __init__(self, file: SqliteState) -> None:
        self._file = file
        self._saved = file.load()
        self._received = {mark.conversation: mark for mark in self._saved.watermarks}

    @property
    def unsent(self) -> list[Unsent]:
        """What earlier commands have left to send."""
        return self._saved.unsent

    def is_news(self, message: Message) -> bool:
        """Whether no earlier command on this device has shown the message."""
        mark = self._received.get(message.conversation)
        return mark is None or mark.epoch != message.epoch or mark.seq < message.seq

    def load(self) -> Saved:
        """What was kept, as of a device that has received nothing."""
        return self._saved._replace(user="", cursor=None, heads=[], watermarks=[])

    def save_attempt(self, attempt: int) -> None:
        """Keep the number of the newest login."""
        self._file.save_attempt(attempt)

    def save_sync(
        self, user: str, cursor: SyncCursor, heads: Iterable[Head], watermarks: Iterable[Watermark]
    ) -> None:
        """Nothing of a sync is kept: each login begins anew."""

    def save_watermark(self, watermark: Watermark) -> None:
        """Keep how far a conversation was shown."""
        self._file.save_watermark(watermark)

    def add_unsent(self, message: Unsent) -> None:
        """Keep a message until it is answered."""
        self._file.add_unsent(message)

    def remove_unsent(self, client_msg_id: bytes) -> None:
        """Forget a message that was answered."""
        self._file.remove_unsent(client_msg_id)

    def commit(self) -> None:
        """Make everything since the last commit durable, or nothing of it."""
        self._file.commit()

    def close(self) -> None:
        """Commit and let go. Idempotent."""
        self._file.close()


def open_device(folder: Path, user: str) -> DeviceState | None:
    """A device of the user that no other command uses; None while all are in use."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    free: DeviceState | None = None
    for number in range(1, MAX_DEVICES + 1):
        path = folder / f"{file_stem(user)}~{number}.sqlite"
        if free is not None and not path.exists():
            return free
        device = _open(path)
        if device is None:
            continue
        if free is None:
            free = device
        elif device.unsent:
            free.close()
            free = device
        else:
            device.close()
        if free.unsent:
            return free
    return free


def file_stem(user: str) -> str:
    """A file name for any user id, another one for each; with a digest where it would be too long."""
    name = quote(user, safe="")
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[:_LONGEST_NAME]}~{hashlib.sha256(user.encode()).hexdigest()[:32]}"


def _open(path: Path) -> DeviceState | None:
    try:
        return DeviceState(SqliteState(path))
    except StateLockedError:
        return None
    except StateVersionError as error:
        raise failed(f"{error}; move it away") from error
