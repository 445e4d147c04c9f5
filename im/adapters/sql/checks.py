"""What a database is never asked to do: the pure checks before a command touches the tables."""

from im.core.commands import Login, LogOut, SetProfile
from im.core.custom import Conclude, Post
from im.core.entries import FIRST_SYSTEM_KIND, is_message
from im.core.errors import Code, Refused, invalid
from im.core.ids import DEVICE_CLASSES, id_problem
from im.core.limits import Limits
from im.core.validation import LARGEST, content_problem

LARGEST_KIND = 2**31 - 1
RECORD_KEY_CHARACTERS = 256


def post_problem(post: Post, limits: Limits) -> Refused | None:
    """Why a handler's message can't be stored wherever it goes, or None."""
    is_app_s = not post.sender and FIRST_SYSTEM_KIND <= post.kind <= LARGEST_KIND
    if not is_message(post.kind) and not is_app_s:
        return invalid(
            "kind", f"kind of a message must be 1 to {FIRST_SYSTEM_KIND - 1}; above, it is the app's"
        )
    return content_problem(post.kind, post.content, limits.content_bytes)


def record_key_problem(key: str) -> Refused | None:
    """Why nothing can be stored under a key, or None."""
    if 1 <= len(key) <= RECORD_KEY_CHARACTERS and is_storable(key):
        return None
    return invalid(
        "key", f"the key of a record must be text of 1 to {RECORD_KEY_CHARACTERS} characters without NUL"
    )


def conclude_problem(write: Conclude, limits: Limits) -> Refused | None:
    """Why a handler's changes can't be stored, or None."""
    for key, value in write.changes:
        problem = record_key_problem(key)
        if problem is not None:
            return problem
        if value is not None and len(value) > limits.handler_value_bytes:
            text = f"a record must have at most {limits.handler_value_bytes} bytes"
            return Refused(Code.LIMIT_EXCEEDED, text, "value")
    return None


def is_storable(text: str) -> bool:
    """Whether every database takes a text."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def login_problem(login: Login) -> Refused | None:
    """Why a device can't log in like this, or None."""
    problem = id_problem(login.user, "user") or id_problem(login.device, "device")
    if problem is None and login.device_class not in DEVICE_CLASSES:
        problem = invalid("device_class", f"device_class must be one of {', '.join(sorted(DEVICE_CLASSES))}")
    if problem is None and not 1 <= login.attempt <= LARGEST:
        problem = invalid("attempt", "attempt must be a positive number below 2^63")
    return problem


def logout_problem(logout: LogOut) -> Refused | None:
    """Why a device can't be logged out like this, or None."""
    problem = id_problem(logout.user, "user") or id_problem(logout.device, "device")
    if problem is None and not 0 <= logout.before_ms <= LARGEST:
        problem = invalid("before_ms", "before_ms must not be negative and be below 2^63")
    return problem


def disabled() -> Refused:
    """The refusal of a user who is shut out."""
    return Refused(Code.DISABLED, "this user is disabled", "user")


def logged_out() -> Refused:
    """The refusal of a device whose token is older than its logout."""
    return Refused(Code.LOGGED_OUT, "this device was logged out; it needs a new token", "device")


def profile_problem(profile: SetProfile, limits: Limits) -> Refused | None:
    """Why a profile can't be stored, or None."""
    texts = [profile.name or "", profile.avatar or "", *profile.fields, *profile.fields.values()]
    whole = "".join(texts)
    if not is_storable(whole):
        return invalid("profile", "a profile must be text without NUL")
    if len(whole.encode()) > limits.profile_bytes:
        return invalid("profile", f"a profile must have at most {limits.profile_bytes} bytes")
    return None
