"""What is wrong with the fields of a body, before anything is asked of the business layer."""

from im.core.errors import Refused, invalid
from im.core.groups import is_group
from im.core.validation import LARGEST, MAX_TOKEN_CHARACTERS, conversation_problem, unknown_conversation
from im.proto.session_pb2 import SetProfile
from im.proto.sync_pb2 import SyncCursor


def app_conversation_problem(conversation: str, user: str) -> Refused | None:
    """Why a request of an app's type may not name a conversation. Whose a group is, its id doesn't tell."""
    problem = conversation_problem(conversation, user)
    return problem or (unknown_conversation() if is_group(conversation) else None)


def cursor_problem(cursor: SyncCursor) -> Refused | None:
    """Why a sync cursor is none."""
    if cursor.position > LARGEST or len(cursor.epoch) > MAX_TOKEN_CHARACTERS or "\0" in cursor.epoch:
        return invalid("cursor", "cursor is not one that a server gave")
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
