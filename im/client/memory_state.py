"""A client's state in memory: gone with the process, and shared by the clients that get it in turn."""

import secrets
from collections.abc import Iterable

from im.client.core.state import Saved, Unsent, Watermark
from im.core.messages import Head, SyncCursor


class MemoryState:
    """Keeps nothing beyond the process. A later client may go on with the same object."""

    def __init__(self, device: str = "") -> None:
        self._device = device or secrets.token_hex(8)
        self._user = ""
        self._attempt = 0
        self._cursor: SyncCursor | None = None
        self._heads: dict[str, Head] = {}
        self._watermarks: dict[str, Watermark] = {}
        self._unsent: dict[bytes, Unsent] = {}

    def load(self) -> Saved:
        """What was kept."""
        return Saved(
            self._user,
            self._device,
            self._attempt,
            self._cursor,
            list(self._heads.values()),
            list(self._watermarks.values()),
            list(self._unsent.values()),
        )

    def save_attempt(self, attempt: int) -> None:
        """Keep the number of the newest login."""
        self._attempt = attempt

    def save_sync(
        self, user: str, cursor: SyncCursor, heads: Iterable[Head], watermarks: Iterable[Watermark]
    ) -> None:
        """Keep a sync's stamp together with what it taught."""
        self._user, self._cursor = user, cursor
        self._heads.update((head.conversation, head) for head in heads)
        self._watermarks.update((mark.conversation, mark) for mark in watermarks)

    def save_watermark(self, watermark: Watermark) -> None:
        """Keep how far a conversation was received."""
        self._watermarks[watermark.conversation] = watermark

    def add_unsent(self, message: Unsent) -> None:
        """Keep a message until it is answered."""
        self._unsent[message.client_msg_id] = message

    def remove_unsent(self, client_msg_id: bytes) -> None:
        """Forget a message that was answered."""
        self._unsent.pop(client_msg_id, None)

    def commit(self) -> None:
        """Nothing is more durable than memory here."""

    def close(self) -> None:
        """Nothing to let go of."""
