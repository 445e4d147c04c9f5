"""Groups and their members, read."""

from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.group_rows import load_group
from im.adapters.sql.operations.padding import MARKS, questions_of
from im.core.changing import MOST_READERS, GetReaders, Readers, no_target
from im.core.errors import Refused
from im.core.grouping import (
    Asking,
    AskingPage,
    FindMembers,
    GetGroup,
    GetMemberships,
    GroupRecord,
    ListAsking,
    ListMembers,
    MemberPage,
    MemberRecord,
    MembersFound,
    Memberships,
)
from im.core.groups import ADMIN, APP, MEMBER, NOBODY, gone, group_problem, needs, rank
from im.core.ids import id_problem
from im.core.validation import conversation_problem, page_problem, seq_problem, unknown_conversation

MOST_OF_PAGE = 500

_AT_ONCE = 100
_CONVERSATION = "SELECT member_version, created_ms FROM conversation WHERE conversation_id = ?"
_STANDING = "SELECT role, silenced_until_ms, leave_seq FROM member WHERE conversation_id = ? AND user_id = ?"
_MEMBERS = (
    "SELECT user_id, role, silenced_until_ms FROM member"
    " WHERE conversation_id = ? AND user_id > ? AND leave_seq IS NULL ORDER BY user_id LIMIT ?"
)
_ASKING = (
    "SELECT user_id, text, time_ms FROM group_asking"
    " WHERE conversation_id = ? AND user_id > ? ORDER BY user_id LIMIT ?"
)
_MEMBERSHIPS = (
    "SELECT m.conversation_id, c.member_version FROM member AS m"
    " JOIN conversation AS c ON c.conversation_id = m.conversation_id"
    " JOIN group_info AS g ON g.conversation_id = m.conversation_id"
    " WHERE m.user_id = ? AND m.conversation_id BETWEEN 'g' AND 'h'"
    " AND m.leave_seq IS NULL AND g.is_dissolved = 0"
)
_ENTRY = "SELECT sender FROM message WHERE conversation_id = ? AND seq = ?"
_VISIBLE = (
    "SELECT m.leave_seq FROM member AS m JOIN conversation AS c ON c.conversation_id = m.conversation_id"
    " WHERE m.conversation_id = ? AND m.user_id = ? AND m.clear_seq < ?"
    " AND CASE m.history_seq WHEN 0 THEN m.join_seq ELSE m.history_seq END <= ?"
    " AND coalesce(m.leave_seq, c.last_seq) >= ?"
)
_READERS = (
    "SELECT count(*), coalesce(sum(CASE WHEN {has_read} THEN 1 ELSE 0 END), 0) FROM member"
    " WHERE conversation_id = ? AND user_id <> ? AND leave_seq IS NULL AND join_seq <= ?"
)
_HAS_READ = "read_seq >= ? OR own_last_seq >= ?"
_COUNT_READERS = _READERS.format(has_read=_HAS_READ)
_NAME_READERS = (
    "SELECT user_id FROM member WHERE conversation_id = ? AND user_id <> ? AND leave_seq IS NULL"
    f" AND join_seq <= ? AND ({_HAS_READ}) ORDER BY user_id"
)
_FOUND = (
    f"SELECT user_id FROM member WHERE conversation_id = ? AND leave_seq IS NULL AND user_id IN ({MARKS})"
)


def group_of(connection: Connection, query: GetGroup) -> GroupRecord | Refused:
    """A group, to somebody who is or was in it."""
    standing = _standing(connection, query.conversation, query.user)
    if isinstance(standing, Refused):
        return standing
    role, silenced_until_ms = standing
    group = load_group(connection, query.conversation)
    member_version, created_ms = connection.execute(_CONVERSATION, (query.conversation,)).fetchone()
    return GroupRecord(
        conversation=query.conversation,
        name=group.name,
        avatar=group.avatar,
        announcement=group.announcement if role else "",
        owner=group.owner if role else "",
        settings=group.settings,
        members=group.members if role else 0,
        asking=group.asking if rank(role) >= rank(ADMIN) else 0,
        member_version=member_version,
        created_ms=created_ms,
        is_dissolved=group.is_dissolved,
        role=role,
        silenced_until_ms=silenced_until_ms,
    )


def members_of(connection: Connection, query: ListMembers) -> MemberPage | Refused:
    """A page of the members, to members."""
    refused = _refusal(connection, query, MEMBER)
    if refused is not None:
        return refused
    most = min(query.limit or MOST_OF_PAGE, MOST_OF_PAGE)
    rows = connection.execute(_MEMBERS, (query.conversation, query.after, most + 1)).fetchall()
    members = tuple(MemberRecord._make(row) for row in rows[:most])
    (member_version, _) = connection.execute(_CONVERSATION, (query.conversation,)).fetchone()
    following = members[-1].user if len(rows) > most else ""
    return MemberPage(query.conversation, member_version, members, following)


def asking_of(connection: Connection, query: ListAsking) -> AskingPage | Refused:
    """A page of those who ask to be let in, to admins."""
    refused = _refusal(connection, query, ADMIN)
    if refused is not None:
        return refused
    most = min(query.limit or _AT_ONCE, _AT_ONCE)
    rows = connection.execute(_ASKING, (query.conversation, query.after, most + 1)).fetchall()
    asking = tuple(Asking._make(row) for row in rows[:most])
    return AskingPage(query.conversation, asking, asking[-1].user if len(rows) > most else "")


def memberships_of(connection: Connection, query: GetMemberships) -> Memberships:
    """The groups in which a user is, for a node that is to deliver to them."""
    return Memberships(query.user, tuple(connection.execute(_MEMBERSHIPS, (query.user,)).fetchall()))


def members_found(connection: Connection, query: FindMembers) -> MembersFound:
    """Which of some users are in a group."""
    row = connection.execute(_CONVERSATION, (query.conversation,)).fetchone()
    if row is None:
        return MembersFound(query.conversation, 0, ())
    users: list[str] = []
    for asked in questions_of(query.users):
        users += (user for (user,) in connection.execute(_FOUND, (query.conversation, *asked)))
    return MembersFound(query.conversation, row[0], tuple(users))


def readers_of(connection: Connection, query: GetReaders) -> Readers | Refused:
    """Who of those who were in when an entry came has read it; named where they are few."""
    conversation, user, seq = query
    problem = conversation_problem(conversation, user) or seq_problem(seq, "seq")
    if problem is not None:
        return problem
    visible = connection.execute(_VISIBLE, (conversation, user, seq, seq, seq)).fetchone()
    if visible is None:
        return unknown_conversation()
    if visible[0] is not None:
        return gone()
    row = connection.execute(_ENTRY, (conversation, seq)).fetchone()
    if row is None:
        return no_target()._replace(field="seq")
    members, count = connection.execute(_COUNT_READERS, (seq, seq, conversation, *row, seq)).fetchone()
    users: tuple[str, ...] = ()
    if members < MOST_READERS:
        asked = (conversation, *row, seq, seq, seq)
        users = tuple(name for (name,) in connection.execute(_NAME_READERS, asked))
    return Readers(conversation, seq, count, members, users)


def _standing(connection: Connection, conversation: str, user: str) -> tuple[str, int] | Refused:
    """The role of somebody who is or was a member ("" of the latter), and until when they are silenced."""
    problem = group_problem(conversation) or (id_problem(user, "user") if user else None)
    if problem is not None:
        return problem
    if not user:
        is_there = connection.execute(_CONVERSATION, (conversation,)).fetchone() is not None
        return (APP, 0) if is_there else unknown_conversation()
    row = connection.execute(_STANDING, (conversation, user)).fetchone()
    if row is None:
        return unknown_conversation()
    role, silenced_until_ms, leave_seq = row
    return (role, silenced_until_ms) if leave_seq is None else (NOBODY, 0)


def _refusal(connection: Connection, query: ListMembers | ListAsking, least: str) -> Refused | None:
    problem = page_problem(query.after)
    if problem is not None:
        return problem
    standing = _standing(connection, query.conversation, query.user)
    if isinstance(standing, Refused):
        return standing
    return needs(least, standing[0]) if standing[0] else gone()
