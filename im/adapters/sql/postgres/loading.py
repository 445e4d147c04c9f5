"""How a batch begins: its locks, and what of it isn't remembered, in one or two round trips."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from im.adapters.sql.operations.conversations import CONVERSATION_COLUMNS, MEMBER_COLUMNS, Conversations
from im.adapters.sql.operations.steps import Steps
from im.adapters.sql.postgres.connection import PostgresConnection, array
from im.adapters.sql.postgres.naming import Names
from im.core.ids import users_by_id

_CONVERSATION = ", ".join(f"c.{column}" for column in CONVERSATION_COLUMNS.split(", "))
_MEMBER = ", ".join(f"m.{column}" for column in MEMBER_COLUMNS.split(", "))
_CONVERSATION_END = 2 + len(CONVERSATION_COLUMNS.split(", "))
_PLACES = (
    f"SELECT a.conversation_id, a.user_id, {_CONVERSATION}, {_MEMBER}"
    " FROM unnest({conversations}, {users}) AS a (conversation_id, user_id)"
    " LEFT JOIN conversation AS c ON c.conversation_id = a.conversation_id"
    " LEFT JOIN member AS m ON m.conversation_id = a.conversation_id AND m.user_id = a.user_id"
)
_LOCK_SHARD = "SELECT 1 FROM shard WHERE shard = {shard} FOR SHARE"
_LOCK_NAMES = "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest({names}) AS each (name)"
_LOCK_NEW_USERS = (
    "SELECT pg_advisory_xact_lock(hashtextextended('user ' || each.name, 0))"
    " FROM unnest({names}) AS each (name) WHERE NOT EXISTS (SELECT 1 FROM users WHERE user_id = each.name)"
)
_LOCK_CONVERSATIONS = (
    "SELECT 1 FROM conversation WHERE conversation_id = ANY({ids}) ORDER BY conversation_id FOR NO KEY UPDATE"
)
_STATE = (
    "SELECT s.owner, s.epoch, pg_current_xact_id()::text::bigint,"
    " ARRAY(SELECT a.id FROM unnest({ids}, {stamps}) AS a (id, stamp)"
    " LEFT JOIN conversation AS c ON c.conversation_id = a.id WHERE c.changed IS DISTINCT FROM a.stamp),"
    " ARRAY(SELECT user_id FROM users WHERE user_id = ANY({users}) AND disabled = 1)"
    " FROM shard AS s WHERE s.shard = {shard}"
)


class Beginning(NamedTuple):
    """Whose the shard is, by whose epoch, and the transaction's id."""

    owner: str
    epoch: int
    transaction: int


def begin(connection: PostgresConnection, shard: int, names: Names, steps: Steps) -> Beginning | None:
    """Begin a transaction that holds its locks, with a memory that is true in it. None: no such shard."""
    conversations = steps.conversations
    asked = sorted({conversation for conversation, _ in names.places})
    remembered = [each for each in map(conversations.known, asked) if each is not None]
    texts = ["BEGIN", _LOCK_SHARD.format(shard=shard)]
    if names.locks:
        texts.append(_LOCK_NAMES.format(names=array(sorted(names.locks), "text")))
    if asked:
        texts.append(_LOCK_CONVERSATIONS.format(ids=array(asked, "text")))
    ids = array((each.id for each in remembered), "text")
    stamps = array((each.changed for each in remembered), "bigint")
    users = array(names.users, "text")
    texts.append(_STATE.format(ids=ids, stamps=stamps, users=users, shard=shard))
    row = connection.run(";".join(texts)).fetchone()
    if row is None:
        return None
    owner, epoch, transaction, stale, disabled = row
    for conversation_id in stale:
        conversations.drop(conversation_id)
    steps.users.see_disabled(disabled)
    absent = _load(connection, conversations, _unknown(conversations, names.places))
    conversations.put_absent(absent)
    made = names.makes.union(*map(users_by_id, absent))
    if made:
        # Two that make the same users in another order would wait for each other.
        connection.hold(_LOCK_NEW_USERS.format(names=array(sorted(made), "text")))
    return Beginning(owner, epoch, transaction)


def _unknown(conversations: Conversations, places: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    unknown = []
    for conversation_id, user in places:
        conversation = conversations.known(conversation_id)
        if conversation is None or user not in conversation.members:
            unknown.append((conversation_id, user))
    return unknown


def _load(
    connection: PostgresConnection, conversations: Conversations, places: Sequence[tuple[str, str]]
) -> set[str]:
    """Remember what is stored of these places; returns the conversations that aren't."""
    absent: set[str] = set()
    if not places:
        return absent
    asked, users = (array(column, "text") for column in zip(*places, strict=True))
    for row in connection.run(_PLACES.format(conversations=asked, users=users)).fetchall():
        conversation_id, user = row[:2]
        if row[2] is None:
            absent.add(conversation_id)
            continue
        conversation = conversations.known(conversation_id)
        if conversation is None:
            conversation = conversations.put(conversation_id, row[2:_CONVERSATION_END])
        if row[_CONVERSATION_END] is not None:
            conversations.put_member(conversation, user, row[_CONVERSATION_END:])
    return absent
