"""Whom messages did not reach: noted as they are stored, looked at when their time is over.

Each consumer has a row for each committed batch that it is not done with, `entries` of which are lines
of conversation, seq and sender. What became of a message by the time of the look counts: one that was
recalled is not told.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.contacts import badge_of
from im.adapters.sql.operations.statements import RowsInsert
from im.core.entries import PUSH
from im.core.ids import GROUP
from im.core.pushing import chosen_classes
from im.core.reaching import (
    PREVIEW_BYTES,
    Away,
    AwayDevice,
    AwayPassed,
    FindAway,
    OfflineMessage,
    PassAway,
    Place,
    may_be_told,
)

_BATCHES = 64
_MEMBERS_AT_ONCE = 2_000
"""Looked at in one go, at most."""

_NOTE = RowsInsert(
    "unreached",
    ["consumer", "batch", "time_ms", "entries"],
    "ON CONFLICT (consumer, batch) DO NOTHING",
)
_ROWS = (
    "SELECT batch, time_ms, entries, entry, after_user FROM unreached"
    " WHERE consumer = ? ORDER BY batch LIMIT ?"
)
_DONE = "DELETE FROM unreached WHERE consumer = ? AND batch = ?"
_PARTLY = "UPDATE unreached SET entry = ?, after_user = ? WHERE consumer = ? AND batch = ?"
_MEMBERS = (
    "SELECT m.user_id, m.muted, CASE WHEN m.leave_seq IS NULL AND m.join_seq <= ? AND m.reached_seq < ?"
    " AND m.read_seq < ? AND m.own_last_seq < ? AND m.clear_seq < ? AND coalesce(u.disabled, 0) = 0"
    " THEN 1 ELSE 0 END FROM member AS m LEFT JOIN users AS u ON u.user_id = m.user_id"
    " WHERE m.conversation_id = ? AND m.user_id > ? ORDER BY m.user_id LIMIT ?"
)
_MESSAGE = "SELECT kind, client_msg_id, time_ms, content FROM message WHERE conversation_id = ? AND seq = ?"
_MENTIONED = "SELECT 1 FROM mention WHERE conversation_id = ? AND user_id IN ('', ?) AND seq = ? LIMIT 1"
_DEVICES = (
    "SELECT t.device_id, d.device_class, t.platform, t.token FROM push_token AS t"
    " JOIN device AS d ON d.user_id = t.user_id AND d.device_id = t.device_id"
    " WHERE t.user_id = ? ORDER BY t.device_id"
)
_PUSH_CLASSES = "SELECT device_classes FROM push WHERE push_id = ?"
_GROUPS = f"{GROUP}~"

Stored = tuple[str, int, str, int, int]
"""Conversation, seq, sender, kind and time of an entry that a transaction stores."""


class UnreachedWriter:
    """Notes inside the writer's transaction what is stored, for each of the `consumers`."""

    def __init__(self, connection: Connection, consumers: frozenset[str]) -> None:
        self._connection = connection
        self.consumers = consumers

    def note(self, batch: int, stored: Iterable[Stored]) -> None:
        """Note the entries of a batch; `batch` is the commit counter's value."""
        told = [each for each in stored if may_be_told(each[3])]
        if told:
            entries = "\n".join(f"{conversation} {seq} {sender}" for conversation, seq, sender, *_ in told)
            rows = [(consumer, batch, told[0][4], entries) for consumer in sorted(self.consumers)]
            _NOTE.execute(self._connection, rows)

    def pass_away(self, write: PassAway, now_ms: int) -> AwayPassed:
        """Move a consumer's place on."""
        consumer = write.consumer
        first = self._connection.execute(_ROWS, (consumer, 1)).fetchone()
        if first is None or Place(first[0], *first[3:]) != write.since:
            return AwayPassed(False)
        self._connection.executemany(_DONE, [(consumer, batch) for batch in write.batches])
        if write.until.batch:
            batch, entry, after = write.until
            self._connection.execute(_PARTLY, (entry, after, consumer, batch))
        return AwayPassed(True)


class _Row(NamedTuple):
    batch: int
    time_ms: int
    entries: str
    entry: int
    after: str


def find_away(connection: Connection, query: FindAway) -> Away:
    """Answer for a consumer, from its place on."""
    rows = [_Row._make(row) for row in connection.execute(_ROWS, (query.consumer, _BATCHES))]
    since = Place(rows[0].batch, rows[0].entry, rows[0].after) if rows else Place()
    look = _Look(connection, query.most)
    done: list[int] = []
    for row in rows:
        if row.time_ms > query.before_ms:
            return Away(since, Place(), tuple(done), tuple(look.found), False, row.time_ms)
        until = look.over(row)
        if until is not None:
            return Away(since, until, tuple(done), tuple(look.found), True)
        done.append(row.batch)
    return Away(since, Place(), tuple(done), tuple(look.found), len(rows) == _BATCHES)


class _Look:
    """One look over members, until `most` are away; what it found is in `found`."""

    def __init__(self, connection: Connection, most: int) -> None:
        self._connection = connection
        self._most = most
        self._left = _MEMBERS_AT_ONCE
        self._badges: dict[str, int] = {}
        self.found: list[OfflineMessage] = []

    def over(self, row: _Row) -> Place | None:
        """Look at a batch from where it stands; the place of an end before its end, None at its end."""
        entry, after = row.entry, row.after
        lines = row.entries.split("\n")
        while entry < len(lines):
            if self._left <= 0 or len(self.found) >= self._most:
                return Place(row.batch, entry, after)
            conversation, seq, sender = lines[entry].split(" ")
            last = self._members(conversation, int(seq), sender, after)
            if last:
                after = last
            else:
                entry, after = entry + 1, ""
        return None

    def _members(self, conversation: str, seq: int, sender: str, after: str) -> str:
        """Look at members of a conversation; the last of them if others may follow."""
        most = min(self._left, self._most - len(self.found))
        values = (*(seq,) * 5, conversation, after, most)
        members = self._connection.execute(_MEMBERS, values).fetchall()
        self._left -= len(members)
        away = [(user, bool(muted)) for user, muted, is_away in members if is_away and user != sender]
        if away:
            self.found += self._messages(conversation, seq, sender, away)
        return members[-1][0] if len(members) == most else ""

    def _messages(
        self, conversation: str, seq: int, sender: str, away: list[tuple[str, bool]]
    ) -> Iterator[OfflineMessage]:
        row = self._connection.execute(_MESSAGE, (conversation, seq)).fetchone()
        if row is None or not may_be_told(row[0]):
            return
        kind, message_id, time_ms, content = row
        classes = self._classes(message_id) if kind == PUSH else ()
        for user, is_muted in away:
            is_mention = self._is_mentioned(conversation, user, seq)
            if is_muted and not is_mention:
                continue
            yield OfflineMessage(
                user,
                conversation,
                seq,
                sender,
                kind,
                time_ms,
                content[:PREVIEW_BYTES],
                len(content) > PREVIEW_BYTES,
                self._badge(user),
                is_muted,
                is_mention,
                self._devices(user, classes),
            )

    def _is_mentioned(self, conversation: str, user: str, seq: int) -> bool:
        if not conversation.startswith(_GROUPS):
            return False
        return self._connection.execute(_MENTIONED, (conversation, user, seq)).fetchone() is not None

    def _classes(self, push_id: bytes) -> tuple[str, ...]:
        row = self._connection.execute(_PUSH_CLASSES, (push_id,)).fetchone()
        return () if row is None else tuple(chosen_classes(row[0]))

    def _devices(self, user: str, classes: tuple[str, ...]) -> tuple[AwayDevice, ...]:
        devices = (AwayDevice._make(row) for row in self._connection.execute(_DEVICES, (user,)))
        return tuple(each for each in devices if not classes or each.device_class in classes)

    def _badge(self, user: str) -> int:
        badge = self._badges.get(user)
        if badge is None:
            badge = self._badges[user] = badge_of(self._connection, user)
        return badge
