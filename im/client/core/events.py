"""What the core tells its front: frozen values, in the order in which they happened."""

import json
from typing import Any, NamedTuple

from google.protobuf.message import Message as Body

from im.client.core.contents import Change, change_of, rich_of, text_of
from im.core.contents import Rich
from im.core.messages import Head
from im.core.presence import Presence


class Message(NamedTuple):
    """An entry of a conversation that is for the user to see.

    `kind` 1 is a UTF-8 text, 0 the placeholder of an entry that cannot be shown. `epoch` is the store's.
    """

    conversation: str
    epoch: str
    seq: int
    kind: int
    sender: str
    client_msg_id: bytes
    server_time_ms: int
    content: bytes

    @property
    def text(self) -> str:
        """The text of a text, also of one that answers or mentions; "" of every other kind."""
        return text_of(self.kind, self.content)

    @property
    def rich(self) -> Rich | None:
        """What the message answers, and whom it mentions; None where it does neither."""
        return rich_of(self.kind, self.content)

    @property
    def change(self) -> Change | None:
        """What the entry tells of an earlier message; None where it tells of none."""
        return change_of(self.kind, self.content)


class LoggedIn(NamedTuple):
    """The session stands: who the token speaks for, and where."""

    user: str
    session: str
    node: str
    server_time_ms: int


class Ended(NamedTuple):
    """The session is over and the connection is to be closed.

    `reconnect` false: stay away until a person does something. `label` is the stable name of the reason.
    """

    label: str
    text: str
    reconnect: bool
    retry_after: float = 0.0
    alternate: str = ""


class Refusal(NamedTuple):
    """The server said no. `code` and `label` are stable; `field` names what was wrong, if one was."""

    code: int
    label: str
    text: str
    field: str = ""
    retryable: bool = False
    retry_after: float = 0.0
    last_attempt: int = 0


class SendPending(NamedTuple):
    """A message waits to be sent."""

    conversation: str
    client_msg_id: bytes


class SendUnknown(NamedTuple):
    """No answer came: the message may be stored or not. It goes on being tried."""

    conversation: str
    client_msg_id: bytes


class Sent(NamedTuple):
    """The message is stored for good, as `seq` of its conversation."""

    conversation: str
    client_msg_id: bytes
    seq: int
    server_time_ms: int


class SendFailed(NamedTuple):
    """The server refused the message for good; it was not stored and is not tried again."""

    conversation: str
    client_msg_id: bytes
    refusal: Refusal


class CursorMoved(NamedTuple):
    """A cursor of `user` moved there. `unread` is the client's own user's, where it is known with it."""

    conversation: str
    user: str
    read_seq: int
    delivered_seq: int
    unread: int | None


class HeadChanged(NamedTuple):
    """A sync told something new about a conversation."""

    head: Head


class AuditFound(NamedTuple):
    """An audit found entries that no push had told of: a bug somewhere, worth a metric and a log line."""

    conversation: str
    first_missing: int
    head_seq: int


class AppBody(NamedTuple):
    """A body of a type of 10,000 and above, unopened; type 9, OK, where there is nothing to say."""

    type: int
    body: bytes
    conversation: str


class Answered(NamedTuple):
    """A request was answered. `body` is None of a refresh: it has no body of its own."""

    request: int
    body: Body | AppBody | None


class Signalled(NamedTuple):
    """An app's type came unasked."""

    signal: AppBody


class Pushed(NamedTuple):
    """Something that the app's back end pushed: a signal, or an entry of the inbox.

    `type` 30 is a JSON text, 10,000 and above the body of an app's type. `collapse_key`: it replaces
    what came before under this key. After `expires_ms` (0: none) of the server's clock it is not to be
    shown, nor on devices whose class is not among `device_classes`, if any are named.
    """

    type: int
    body: bytes
    collapse_key: str = ""
    expires_ms: int = 0
    device_classes: tuple[str, ...] = ()

    @property
    def json(self) -> Any:
        """What a generic event holds. Raises ValueError where it is none."""
        return json.loads(self.body)


class PresenceChanged(NamedTuple):
    """What is known of the presence of a user who is watched."""

    presence: Presence


class RequestRefused(NamedTuple):
    """A request was refused for good."""

    request: int
    refusal: Refusal


class RequestTimedOut(NamedTuple):
    """A request was repeated until its time was over."""

    request: int


SendState = SendPending | SendUnknown | Sent | SendFailed
Event = (
    Message
    | LoggedIn
    | Ended
    | SendState
    | CursorMoved
    | HeadChanged
    | AuditFound
    | Answered
    | Signalled
    | Pushed
    | PresenceChanged
    | RequestRefused
    | RequestTimedOut
)


class Effects:
    """What the parts of the core want done: envelopes to send and events to tell, both in order."""

    __slots__ = ("events", "frames")

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.events: list[Event] = []
