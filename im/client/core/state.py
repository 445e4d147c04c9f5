"""What a client keeps between two runs, as the core sees it."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from im.core.messages import Head, SyncCursor


class Unsent(NamedTuple):
    """A message that has no answer yet."""

    conversation: str
    client_msg_id: bytes
    seen_seq: int
    kind: int
    content: bytes


class Watermark(NamedTuple):
    """Everything of a conversation up to and with `seq` was received, in this store epoch."""

    conversation: str
    epoch: str
    seq: int


class Saved(NamedTuple):
    """All that a state holds. `user` is "" and `cursor` None before the first sync ended."""

    user: str
    device: str
    attempt: int
    cursor: SyncCursor | None
    heads: list[Head]
    watermarks: list[Watermark]
    unsent: list[Unsent]


class ClientState(Protocol):
    """Where one device of one user keeps what must survive it.

    The calls collect; `commit` makes all of them durable at once, and the core calls it before any
    envelope that rests on them leaves.
    """

    def load(self) -> Saved:
        """What was committed, oldest unsent message first. The device id is made at the first load."""

    def save_attempt(self, attempt: int) -> None:
        """Keep the number of the newest login."""

    def save_sync(
        self, user: str, cursor: SyncCursor, heads: Iterable[Head], watermarks: Iterable[Watermark]
    ) -> None:
        """Keep a sync's stamp together with what it taught."""

    def save_watermark(self, watermark: Watermark) -> None:
        """Keep how far a conversation was received."""

    def add_unsent(self, message: Unsent) -> None:
        """Keep a message until it is answered."""

    def remove_unsent(self, client_msg_id: bytes) -> None:
        """Forget a message that was answered."""

    def commit(self) -> None:
        """Make everything since the last commit durable, or nothing of it."""

    def close(self) -> None:
        """Commit and let go. Idempotent."""
