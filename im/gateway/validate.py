"""What is wrong with the fields of a body, before anything is asked of the business layer."""

from functools import lru_cache

from im.core import validation
from im.core.errors import Code, Refused, invalid
from im.core.groups import group_problem
from im.core.ids import GROUP, direct_peer
from im.core.messages import Send
from im.core.validation import LARGEST
from im.proto.session_pb2 import SetProfile
from im.proto.sync_pb2 import SyncCursor

MAX_TOKEN_CHARACTERS = 300
"""Of the opaque texts of a sync; a conversation id fits in."""

_GROUPS = f"{GROUP}~"
_REMEMBERED_GROUPS = 4_096
_INBOX = Refused(Code.PERMISSION_DENIED, "an inbox takes messages from the app only", "conversation")


def conversation_problem(conversation: str, user: str) -> Refused | None:
    """Why `user` may not ask about a conversation, as far as its id tells."""
    if direct_peer(conversation, user) is not None:
        return None
    if conversation.startswith(_GROUPS):
        return _group_problem(conversation)
    return validation.conversation_problem(conversation, user)


@lru_cache(_REMEMBERED_GROUPS)
def _group_problem(conversation: str) -> Refused | None:
    """Asked at each acknowledgement of each member."""
    return group_problem(conversation)


def app_conversation_problem(conversation: str, user: str) -> Refused | None:
    """Why a request of an app's type may not name a conversation. Whose a group is, its id doesn't tell."""
    if conversation.startswith(_GROUPS):
        return group_problem(conversation) or validation.unknown_conversation()
    return conversation_problem(conversation, user)


def send_refusal(send: Send, content_bytes: int) -> Refused | None:
    """Why a message cannot be sent."""
    if direct_peer(send.conversation, send.sender) is None:
        problem = conversation_problem(send.conversation, send.sender)
        if problem is not None or not send.conversation.startswith(_GROUPS):
            return problem or _INBOX
    return validation.send_problem(send, content_bytes)


def cursor_problem(cursor: SyncCursor) -> Refused | None:
    """Why a sync cursor is none."""
    if cursor.position > LARGEST or len(cursor.epoch) > MAX_TOKEN_CHARACTERS or "\0" in cursor.epoch:
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
