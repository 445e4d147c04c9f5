"""What is wrong with the fields of a request, as far as they tell by themselves.

The connection layer asks first, so that nothing wrong is carried on; the store asks again before
its bulk statements, since one wrong value in them would stop its neighbours.
"""

from functools import lru_cache

from im.core.entries import FIRST_SYSTEM_KIND, TEXT, is_message
from im.core.errors import Code, Refused, invalid
from im.core.groups import group_problem, is_group
from im.core.ids import DIRECT, INBOX, direct_peer, id_problem
from im.core.messages import Send

LARGEST = 2**63 - 1
"""The largest number that a database takes."""

CLIENT_MSG_ID_BYTES = 16

MAX_TOKEN_CHARACTERS = 300
"""Of the opaque texts of a page; a conversation id fits in."""

_REMEMBERED_GROUPS = 4_096

_MALFORMED = invalid("conversation", "conversation must be d~FIRST~SECOND of two users, in order")
_UNKNOWN = Refused(Code.NOT_FOUND, "there is no such conversation", "conversation")
_INBOX = Refused(Code.PERMISSION_DENIED, "an inbox takes messages from the app only", "conversation")


def unknown_conversation() -> Refused:
    """The refusal of a conversation that isn't there, or isn't for this user."""
    return _UNKNOWN


def conversation_problem(conversation: str, user: str) -> Refused | None:
    """Why a conversation can't be one of `user`: malformed, with oneself, or of others.

    Of a group only its members tell whose it is.
    """
    if direct_peer(conversation, user) is not None:
        return None
    if is_group(conversation):
        return _group_problem(conversation)
    kind, _, rest = conversation.partition("~")
    if kind == DIRECT:
        one = rest.partition("~")[0]
        return _MALFORMED if direct_peer(conversation, one) is None else _UNKNOWN
    if kind != INBOX:
        return _MALFORMED
    problem = id_problem(rest, "conversation")
    return _UNKNOWN if problem is None and rest != user else problem


@lru_cache(_REMEMBERED_GROUPS)
def _group_problem(conversation: str) -> Refused | None:
    """Asked at each acknowledgement of each member."""
    return group_problem(conversation)


def seq_problem(seq: int, field: str) -> Refused | None:
    """Why a number is no seq."""
    return None if 0 <= seq <= LARGEST else invalid(field, f"{field} must be below 2^63")


def page_problem(after: str) -> Refused | None:
    """Why a text can't be where a page begins, or None."""
    return None if after.isprintable() else invalid("after", "after must be the `next` of a page")


def after_problem(after: str) -> Refused | None:
    """Why a text can't be where a page begins, before anything is asked of a store, or None."""
    if len(after) > MAX_TOKEN_CHARACTERS or "\0" in after:
        return invalid("after", "after is not one that a server gave")
    return None


def send_refusal(send: Send, content_bytes: int) -> Refused | None:
    """Why a user can't send a message, as far as it tells by itself."""
    if direct_peer(send.conversation, send.sender) is None:
        problem = conversation_problem(send.conversation, send.sender)
        if problem is not None or not is_group(send.conversation):
            return problem or _INBOX
    return send_problem(send, content_bytes)


def send_problem(send: Send, content_bytes: int) -> Refused | None:
    """Why a message can't be stored, whatever its conversation is."""
    if len(send.client_msg_id) != CLIENT_MSG_ID_BYTES:
        return invalid("client_msg_id", f"client_msg_id must have {CLIENT_MSG_ID_BYTES} bytes")
    if send.after:
        if len(send.after) != CLIENT_MSG_ID_BYTES:
            return invalid("after", f"after must be empty or have {CLIENT_MSG_ID_BYTES} bytes")
        if send.after == send.client_msg_id:
            return invalid("after", "after must name another message")
    if send.kind != TEXT and not is_message(send.kind):
        return invalid("kind", f"kind of a message must be 1 to {FIRST_SYSTEM_KIND - 1}")
    if not 0 <= send.seen_seq <= LARGEST:
        return seq_problem(send.seen_seq, "seen_seq")
    return content_problem(send.kind, send.content, content_bytes)


def content_problem(kind: int, content: bytes, content_bytes: int) -> Refused | None:
    """Why a message of this kind can't have this content."""
    if not 1 <= len(content) <= content_bytes:
        return invalid("content", f"content must have 1 to {content_bytes} bytes")
    if kind != TEXT:
        return None
    if b"\0" in content:
        return invalid("content", "a text must not contain NUL")
    if content.isascii():
        return None
    try:
        content.decode()
    except UnicodeDecodeError:
        return invalid("content", "a text must be UTF-8")
    return None
