"""What is wrong with the fields of a body, before anything is asked of the business layer."""

from im.core.commands import TEXT
from im.core.errors import Code, Refused, invalid
from im.core.ids import direct_peer, inbox_conversation
from im.proto.chat_pb2 import Chat
from im.proto.session_pb2 import SetProfile
from im.proto.sync_pb2 import SyncCursor

MAX_SEQ = 2**63 - 1
MAX_KIND = 99
MAX_TOKEN_CHARACTERS = 300
"""Of the opaque texts of a sync; a conversation id fits in."""

_NOT_FOUND = Refused(Code.NOT_FOUND, "no such conversation", "conversation")
_MALFORMED = invalid("conversation", "conversation must be d~FIRST~SECOND of two users, in order")
_INBOX = Refused(Code.PERMISSION_DENIED, "an inbox takes messages from the app only", "conversation")


def conversation_problem(conversation: str, user: str) -> Refused | None:
    """Why `user` may not ask about a conversation, as far as its id tells."""
    if direct_peer(conversation, user) is not None or conversation == inbox_conversation(user):
        return None
    parts = conversation.split("~")
    is_of_others = (
        len(parts) == 3
        and user not in parts[1:]
        and all(parts)
        and direct_peer(conversation, parts[1]) is not None
    )
    return _NOT_FOUND if is_of_others or parts[0] in ("i", "g") else _MALFORMED


def seq_problem(seq: int, field: str) -> Refused | None:
    """Why a number is no seq."""
    return invalid(field, f"{field} must be below 2^63") if seq > MAX_SEQ else None


def chat_problem(body: Chat, user: str, content_bytes: int) -> Refused | None:
    """Why a message cannot be sent."""
    if direct_peer(body.conversation, user) is None:
        return conversation_problem(body.conversation, user) or _INBOX
    if len(body.client_msg_id) != 16:
        return invalid("client_msg_id", "client_msg_id must have 16 bytes")
    if len(body.after) not in (0, 16):
        return invalid("after", "after must be empty or have 16 bytes")
    if body.after == body.client_msg_id:
        return invalid("after", "after must name another message")
    if not 1 <= body.kind <= MAX_KIND:
        return invalid("kind", f"kind must be 1 to {MAX_KIND}")
    return seq_problem(body.seen_seq, "seen_seq") or _content_problem(body.kind, body.content, content_bytes)


def _content_problem(kind: int, content: bytes, content_bytes: int) -> Refused | None:
    if len(content) > content_bytes:
        return invalid("content", f"content must have at most {content_bytes} bytes")
    if kind != TEXT:
        return None
    if not content:
        return invalid("content", "a text must not be empty")
    if b"\0" in content:
        return invalid("content", "a text must not contain NUL")
    try:
        content.decode()
    except UnicodeDecodeError:
        return invalid("content", "a text must be UTF-8")
    return None


def cursor_problem(cursor: SyncCursor) -> Refused | None:
    """Why a sync cursor is none."""
    if cursor.position > MAX_SEQ or len(cursor.epoch) > MAX_TOKEN_CHARACTERS or "\0" in cursor.epoch:
        return invalid("cursor", "cursor is not one that a server gave")
    return None


def after_problem(after: str) -> Refused | None:
    """Why a page token is none."""
    if len(after) > MAX_TOKEN_CHARACTERS or "\0" in after:
        return invalid("after", "after is not one that a server gave")
    return None


def profile_problem(body: SetProfile, profile_bytes: int) -> Refused | None:
    """Why a profile cannot be changed so."""
    fields = body.fields
    if "" in fields:
        return invalid("fields", "a field must have a name")
    texts = [body.name, body.avatar, *fields.keys(), *fields.values()]
    if any("\0" in text for text in texts):
        return invalid("fields", "a profile must not contain NUL")
    if sum(len(text.encode()) for text in texts) > profile_bytes:
        return invalid("fields", f"a profile must have at most {profile_bytes} bytes")
    return None
