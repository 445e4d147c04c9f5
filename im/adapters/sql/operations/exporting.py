"""All that is stored about a person, page by page, each row as a line of JSON."""

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.recorded import said
from im.core.entries import EDIT, shown
from im.core.errors import Code, Refused, invalid
from im.core.ids import id_problem, inbox_conversation
from im.core.personal import ExportUser, UserExported

LOOKS_AT_ONCE = 20
ROWS_AT_ONCE = 200
BYTES_AT_ONCE = 131_072
ENTRIES_AT_ONCE = 2_000
"""Of a log, in one look for what the user may see of it."""

_LARGEST = 2**63 - 1

Record = dict[str, Any]
Keys = list[Any]
Page = tuple[list[Record], Keys | None]
"""Records, and the keys after which the next page begins; None after the last."""


class _Rows:
    """What a SELECT gives, in the order of its last columns, which are the keys of a page.

    `sql` takes what `of` makes of the user, then the keys, then how many rows.
    """

    def __init__(
        self,
        record: str,
        sql: str,
        columns: str,
        first: Keys,
        of: Callable[[str], tuple[Any, ...]] = lambda user: (user,),
    ) -> None:
        self._record, self._sql, self._columns, self._of = record, sql, columns.split(), of
        self.first = first

    def page(self, connection: Connection, user: str, after: Keys) -> Page:
        """The rows behind `after`."""
        rows = connection.execute(self._sql, (*self._of(user), *after, ROWS_AT_ONCE)).fetchall()
        records = [{"record": self._record} | _named(self._columns, row) for row in rows]
        return records, [*rows[-1][-len(self.first) :]] if len(rows) == ROWS_AT_ONCE else None


class _Messages:
    """What the user wrote, and what they may see, of each conversation's log; the keys are a place in it.

    Of what was edited after they left they never saw what it says now.
    """

    _PLACE = (
        "SELECT m.conversation_id, c.last_seq, coalesce(m.leave_seq, c.last_seq), m.clear_seq + 1,"
        " CASE m.history_seq WHEN 0 THEN m.join_seq ELSE m.history_seq END"
        " FROM member AS m JOIN conversation AS c ON c.conversation_id = m.conversation_id"
        " WHERE m.user_id = ? AND (m.conversation_id > ? OR (m.conversation_id = ? AND c.last_seq > ?))"
        " ORDER BY m.conversation_id LIMIT 1"
    )
    _RUN = (
        "SELECT e.seq, e.kind, e.sender, e.time_ms, e.content FROM message AS e"
        " WHERE e.conversation_id = ? AND e.seq BETWEEN ? AND ?"
        " AND (e.sender = ? OR (e.seq BETWEEN ? AND ? AND NOT EXISTS (SELECT 1 FROM deleted_entry AS d"
        " WHERE d.conversation_id = e.conversation_id AND d.user_id = ? AND d.seq = e.seq)"
        " AND NOT EXISTS (SELECT 1 FROM message_change AS c WHERE c.conversation_id = e.conversation_id"
        f" AND c.kind = {EDIT} AND c.target_seq = e.seq AND c.seq > ?)))"
        " ORDER BY e.seq LIMIT ?"
    )

    def __init__(self) -> None:
        self.first: Keys = ["", 0]

    def page(self, connection: Connection, user: str, after: Keys) -> Page:
        """The entries behind a place, of one conversation."""
        name, seq = after
        row = connection.execute(self._PLACE, (user, name, name, seq)).fetchone()
        if row is None:
            return [], None
        conversation, last_seq, head_seq, *visible = row
        first = seq + 1 if conversation == name else 1
        last = min(first + ENTRIES_AT_ONCE - 1, last_seq)
        seen = (max(visible), head_seq, user, head_seq)
        asked = (conversation, first, last, user, *seen, ROWS_AT_ONCE)
        records: list[Record] = []
        size = 0
        for seq, kind, sender, time_ms, content in connection.execute(self._RUN, asked).fetchall():
            size += len(content)
            if size > BYTES_AT_ONCE and records:
                return records, [conversation, records[-1]["seq"]]
            at = {"record": "message", "conversation": conversation, "seq": seq, "sender": sender}
            told = shown(kind)
            records.append({**at, "time_ms": time_ms, "kind": told, **said(told, bytes(content))})
        return records, [conversation, records[-1]["seq"] if len(records) == ROWS_AT_ONCE else last]


_SECTIONS: Sequence[_Rows | _Messages] = (
    _Rows(
        "user",
        "SELECT name, avatar, fields, created_ms, disabled, erased_ms, user_id FROM users"
        " WHERE user_id = ? AND user_id > ? LIMIT ?",
        "name avatar fields created_ms disabled erased_ms user",
        [""],
    ),
    _Rows(
        "device",
        "SELECT device_class, attempt, created_ms, last_ms, not_before_ms, device_id FROM device"
        " WHERE user_id = ? AND device_id > ? ORDER BY device_id LIMIT ?",
        "device_class attempt first_login_ms last_login_ms logged_out_ms device",
        [""],
    ),
    _Rows(
        "push_token",
        "SELECT platform, token, registered_ms, device_id FROM push_token"
        " WHERE user_id = ? AND device_id > ? ORDER BY device_id LIMIT ?",
        "platform token registered_ms device",
        [""],
    ),
    _Rows(
        "request_sent",
        "SELECT text, state, created_ms, decided_ms, addressee FROM friend_request"
        " WHERE requester = ? AND addressee > ? ORDER BY addressee LIMIT ?",
        "text state created_ms decided_ms to",
        [""],
    ),
    _Rows(
        "request_received",
        "SELECT text, state, created_ms, decided_ms, seen, requester FROM friend_request"
        " WHERE addressee = ? AND requester > ? ORDER BY requester LIMIT ?",
        "text state created_ms decided_ms seen from",
        [""],
    ),
    _Rows(
        "group_request",
        "SELECT text, time_ms, conversation_id FROM group_asking"
        " WHERE user_id = ? AND conversation_id > ? ORDER BY conversation_id LIMIT ?",
        "text time_ms conversation",
        [""],
    ),
    _Rows(
        "place",
        "SELECT c.kind, g.name, m.role, m.relation, m.is_blocking, m.remark, m.pinned, m.muted, m.marked,"
        " m.hidden_seq, m.silenced_until_ms, m.join_seq, m.leave_seq, m.read_seq, m.delivered_seq,"
        " m.clear_seq, m.conversation_id FROM member AS m"
        " JOIN conversation AS c ON c.conversation_id = m.conversation_id"
        " LEFT JOIN group_info AS g ON g.conversation_id = m.conversation_id"
        " WHERE m.user_id = ? AND m.conversation_id > ? ORDER BY m.conversation_id LIMIT ?",
        "kind group role relation is_blocking remark pinned muted marked hidden_seq silenced_until_ms"
        " join_seq leave_seq read_seq delivered_seq clear_seq conversation",
        [""],
    ),
    _Rows(
        "deleted",
        "SELECT d.conversation_id, d.seq FROM member AS m JOIN deleted_entry AS d"
        " ON d.conversation_id = m.conversation_id AND d.user_id = m.user_id WHERE m.user_id = ?"
        " AND (d.conversation_id, d.seq) > (?, ?) ORDER BY d.conversation_id, d.seq LIMIT ?",
        "conversation seq",
        ["", 0],
    ),
    _Messages(),
    _Rows(
        "receipt",
        "SELECT time_ms, device_id, seq FROM inbox_receipt WHERE conversation_id = ?"
        " AND (device_id, seq) > (?, ?) ORDER BY device_id, seq LIMIT ?",
        "time_ms device seq",
        ["", 0],
        lambda user: (inbox_conversation(user),),
    ),
    _Rows(
        "session",
        "SELECT device_id, device_class, node, closed_ms, reason, bound_ms, opened_ms, session_id"
        " FROM online_session WHERE user_id = ? AND (opened_ms, session_id) > (?, ?)"
        " ORDER BY opened_ms, session_id LIMIT ?",
        "device device_class node closed_ms reason bound_ms opened_ms session",
        [-1, ""],
    ),
    _Rows(
        "foreground",
        "SELECT f.to_ms, f.session_id, f.from_ms FROM online_session AS s JOIN online_foreground AS f"
        " ON f.session_id = s.session_id WHERE s.user_id = ? AND (f.session_id, f.from_ms) > (?, ?)"
        " ORDER BY f.session_id, f.from_ms LIMIT ?",
        "to_ms session from_ms",
        ["", 0],
    ),
    _Rows(
        "online_day",
        "SELECT zone, online_ms, online_bound_ms, foreground_ms, foreground_bound_ms, day, device_class"
        " FROM online_day WHERE user_id = ? AND (day, device_class) > (?, ?)"
        " ORDER BY day, device_class LIMIT ?",
        "zone online_ms online_bound_ms foreground_ms foreground_bound_ms day device_class",
        ["", ""],
    ),
    _Rows(
        "handler_record",
        "SELECT r.value, r.version, r.handler, r.key FROM handler AS h JOIN handler_record AS r"
        " ON r.handler = h.handler WHERE r.key >= ? AND r.key < ? AND (r.key = ? OR r.key >= ?)"
        " AND (r.handler, r.key) > (?, ?) ORDER BY r.handler, r.key LIMIT ?",
        "value version handler key",
        ["", ""],
        lambda user: (user, f"{user}\x7f", user, f"{user}~"),
    ),
    _Rows(
        "handler_reply",
        "SELECT time_ms, type, body, handler, request_key FROM handler_reply"
        " WHERE user_id = ? AND (handler, request_key) > (?, ?) ORDER BY handler, request_key LIMIT ?",
        "time_ms type body handler request",
        ["", b""],
    ),
    _Rows(
        "event",
        "SELECT kind, time_ms, payload, consumer, state, event_id FROM event"
        " WHERE user_id = ? AND (consumer, state, event_id) > (?, ?, ?)"
        " ORDER BY consumer, state, event_id LIMIT ?",
        "kind time_ms payload consumer state event",
        ["", -1, b""],
    ),
)


class _Position(NamedTuple):
    """Where a page begins: in which section, behind which keys."""

    section: int
    keys: Keys


def exported(connection: Connection, query: ExportUser) -> UserExported | Refused:
    """A page of all that is stored about a user."""
    problem = id_problem(query.user, "user")
    if problem is not None:
        return problem
    if connection.execute("SELECT 1 FROM users WHERE user_id = ?", (query.user,)).fetchone() is None:
        return Refused(Code.NOT_FOUND, "there is no such user", "user")
    position = _position(query.after)
    if position is None:
        return invalid("after", "after must be the `next` of a page")
    number, after = position
    lines: list[str] = []
    left = BYTES_AT_ONCE
    for _ in range(LOOKS_AT_ONCE):
        records, following = _SECTIONS[number].page(connection, query.user, after)
        for record in records:
            lines.append(json.dumps(record, ensure_ascii=False))
            left -= len(lines[-1])
        if following is None:
            number += 1
            after = [] if number == len(_SECTIONS) else _SECTIONS[number].first
        else:
            after = following
        if number == len(_SECTIONS) or left < BYTES_AT_ONCE // 2 or len(lines) >= ROWS_AT_ONCE:
            break
    return UserExported(tuple(lines), "" if number == len(_SECTIONS) else _text(number, after))


def _named(columns: Sequence[str], row: Sequence[Any]) -> Record:
    return {name: _plain(name, value) for name, value in zip(columns, row, strict=True)}


def _plain(name: str, value: Any) -> Any:
    if name in ("fields", "payload"):
        return json.loads(value)
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _text(number: int, keys: Keys) -> str:
    plain = [{"bytes": key.hex()} if isinstance(key, bytes) else key for key in keys]
    return json.dumps([number, *plain])


def _position(text: str) -> _Position | None:
    """Where a page that such a text asks for begins, or None for a text of no page."""
    if not text:
        return _Position(0, _SECTIONS[0].first)
    try:
        number, *plain = json.loads(text)
        keys = [bytes.fromhex(key["bytes"]) if isinstance(key, dict) else key for key in plain]
        first = _SECTIONS[number].first
        is_like = number >= 0 and [*map(type, keys)] == [*map(type, first)]
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        return None
    if not is_like or any(isinstance(key, str) and not key.isprintable() for key in keys):
        return None
    if any(isinstance(key, int) and not -1 <= key <= _LARGEST for key in keys):
        return None
    return _Position(number, keys)
