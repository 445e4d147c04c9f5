"""The entries that a transaction adds, and what it must know of those stored before."""

from collections.abc import Container, Iterator
from typing import Any, NamedTuple

from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.conversations import Member
from im.adapters.sql.operations.gone import unread
from im.adapters.sql.operations.statements import RowsInsert
from im.core.entries import EDIT, PLACEHOLDER, RECALLED, original, shown
from im.core.errors import Code, Refused
from im.core.events import StoredEntry
from im.core.messages import Entry, Sent

_COLUMNS = ["conversation_id", "seq", "n", "kind", "sender", "client_msg_id", "time_ms", "content"]
_INSERT = RowsInsert(
    "message", _COLUMNS, "ON CONFLICT (client_msg_id, sender, conversation_id) DO NOTHING", is_new=True
)
_BY_CLIENT_ID = (
    "SELECT seq, n, time_ms, kind, content FROM message"
    " WHERE client_msg_id = ? AND sender = ? AND conversation_id = ?"
)
_N_AT = "SELECT n FROM message WHERE conversation_id = ? AND seq = ?"
_OWN_AFTER = (
    "SELECT count(*) FROM message AS entry WHERE conversation_id = ? AND seq > ? AND sender = ?"
    " AND n > (SELECT n FROM message WHERE conversation_id = entry.conversation_id AND seq = entry.seq - 1)"
)

_IS_EDITED = (
    f"SELECT 1 FROM message_change WHERE conversation_id = ? AND kind = {EDIT} AND target_seq = ? LIMIT 1"
)

_ADD_MENTIONS = RowsInsert(
    "mention",
    ["conversation_id", "user_id", "seq", "sender"],
    "ON CONFLICT (conversation_id, user_id, seq) DO NOTHING",
)

Key = tuple[bytes, str, str]
"""Client message id, sender, conversation: what makes a message one and the same."""


class Stored(NamedTuple):
    """An entry that is stored, or will be with this transaction: its answer, and what it holds."""

    sent: Sent
    kind: int
    content: bytes


class StoredBeforeError(Exception):
    """A message that was taken for new is stored: the transaction must look before it takes a seq."""


class Messages:
    """The message table, seen from inside one transaction. `epoch` is the store's."""

    def __init__(self, connection: Connection, epoch: str) -> None:
        self._connection = connection
        self.epoch = epoch
        self._rows: list[tuple[Any, ...]] = []
        self._added: dict[Key, Stored] = {}

    def added(self, key: Key) -> Stored | None:
        """What this transaction itself added under `key`, or None."""
        return self._added.get(key)

    def earlier(self, key: Key) -> Stored | None:
        """What this transaction or an earlier one added under `key`, or None."""
        return self._added.get(key) or self.stored(key)

    def told(self, key: Key, kinds: Container[int]) -> Entry | Refused | None:
        """The entry of a request that is repeated; the key of something of no such kind is a conflict."""
        stored = self.earlier(key)
        if stored is None:
            return None
        if original(stored.kind) not in kinds:
            return Refused(Code.CONFLICT, "another request was made under this key", "key")
        sent, (client_msg_id, sender, _) = stored.sent, key
        entry = Entry(sent.seq, sent.n, stored.kind, sender, client_msg_id, sent.time_ms, stored.content)
        return entry._replace(kind=shown(stored.kind))

    def stored_now(self) -> Iterator[tuple[str, int, str, int, int]]:
        """Conversation, seq, sender, kind and time of what this transaction added."""
        for (_, sender, conversation), (sent, kind, _) in self._added.items():
            yield conversation, sent.seq, sender, kind, sent.time_ms

    def entries_now(self) -> Iterator[StoredEntry]:
        """What this transaction added."""
        for (client_msg_id, sender, conversation), (sent, kind, _) in self._added.items():
            yield StoredEntry(conversation, sent.seq, sender, kind, client_msg_id)

    def stored(self, key: Key) -> Stored | None:
        """What is stored under `key`, or None."""
        row = self._connection.execute(_BY_CLIENT_ID, key).fetchone()
        if row is None:
            return None
        seq, n, time_ms, kind, content = row
        return Stored(Sent(key[2], seq, n, time_ms, self.epoch, True), kind, content)

    def add(self, key: Key, entry: Stored) -> None:
        """Add an entry at the head."""
        client_msg_id, sender, conversation = key
        _, seq, n, time_ms, *_ = entry.sent
        self._added[key] = entry
        self._rows.append((conversation, seq, n, entry.kind, sender, client_msg_id, time_ms, entry.content))

    def is_same(self, earlier: Stored, kind: int, content: bytes) -> bool:
        """Whether a message that is stored had this content at first: it may be edited or gone since."""
        is_gone = earlier.kind in (RECALLED, PLACEHOLDER, -kind)
        if is_gone or (earlier.kind, earlier.content) == (kind, content):
            return True
        at = (earlier.sent.conversation, earlier.sent.seq)
        return earlier.kind == kind and self._connection.execute(_IS_EDITED, at).fetchone() is not None

    def unread(self, conversation: str, member: Member, head: tuple[int, int], furthest_gone_seq: int) -> int:
        """See `im.adapters.sql.operations.gone`."""
        return unread(self._connection, (conversation, member.user), member.cursors, head, furthest_gone_seq)

    def mention(self, conversation: str, seq: int, sender: str, users: tuple[str, ...]) -> None:
        """Note whom a message mentions; "" is everyone."""
        rows = [(conversation, user, seq, sender) for user in users]
        _ADD_MENTIONS.execute(self._connection, rows)

    def look_up(self, conversation: str, sender: str, seq: int) -> tuple[int, int]:
        """Of an entry: its running count, and how many counting entries of `sender` come after it."""
        self.write()
        (n,) = self._connection.execute(_N_AT, (conversation, seq)).fetchone()
        (own,) = self._connection.execute(_OWN_AFTER, (conversation, seq, sender)).fetchone()
        return n, own

    def write(self) -> None:
        """Write what was added. Raises `StoredBeforeError` if any of it was stored before."""
        rows, self._rows = self._rows, []
        if _INSERT.execute(self._connection, rows) != len(rows):
            raise StoredBeforeError

    def clear(self) -> None:
        """Begin anew, after a commit or a rollback."""
        self._rows = []
        self._added = {}
