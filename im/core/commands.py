"""What the connection layer asks of the business layer, and what it is told.

Plain values without behaviour, so that a bridge can carry them to another process. A *write* is
executed in a batch, in order, in one transaction; a *query* reads one consistent state.
Every command has exactly one kind of result, or `Refused`.
"""

from typing import NamedTuple

from im.core.backends import BACKEND_WRITES, BackendQuery, BackendResult, BackendWrite
from im.core.errors import Refused
from im.core.ledger import LEDGER_WRITES, LedgerQuery, LedgerResult, LedgerWrite
from im.core.looking import Changed, WhatChanged
from im.core.pushing import PUSH_WRITES, PushQuery, PushResult, PushWrite

TEXT = 1
"""Entry kind of a UTF-8 text. 0 is a placeholder; 2-99 are other messages; 100 and up system entries."""


class Entry(NamedTuple):
    """A row of a conversation's log. `n` is the running count of entries that count as unread."""

    seq: int
    n: int
    kind: int
    sender: str
    client_msg_id: bytes
    time_ms: int
    content: bytes


class SyncCursor(NamedTuple):
    """Where a sync ended: comparable only within one store epoch, and no clock."""

    epoch: str
    position: int


class Head(NamedTuple):
    """One user's place in one conversation."""

    conversation: str
    head_seq: int
    head_n: int
    head_time_ms: int
    unread: int
    read_seq: int
    delivered_seq: int
    visible_from: int
    active: bool
    member_version: int
    epoch_seq: int
    peer_read_seq: int
    peer_delivered_seq: int
    last: Entry | None


class Send(NamedTuple):
    """Write: store one message. Result `Sent`."""

    conversation: str
    sender: str
    device: str
    client_msg_id: bytes
    after: bytes
    seen_seq: int
    kind: int
    content: bytes


class CursorMoved(NamedTuple):
    """Where the user's cursors stand now; `moved` is false when they stood there before."""

    conversation: str
    user: str
    read_seq: int
    delivered_seq: int
    unread: int
    moved: bool


class Sent(NamedTuple):
    """`duplicate`: it was stored before, this is the first answer again and nobody is to be told.

    `read` is where the sender's cursors stand if the send's `seen_seq` moved them.
    """

    conversation: str
    seq: int
    n: int
    time_ms: int
    epoch: str
    duplicate: bool
    read: CursorMoved | None = None


class MoveRead(NamedTuple):
    """Write: the user has seen everything up to `seq`. Result `CursorMoved`."""

    conversation: str
    user: str
    seq: int


class MoveDelivered(NamedTuple):
    """Write: a device of the user acknowledged everything up to `seq`. Result `CursorMoved`.

    In an inbox `device` says which one, and when it did is kept.
    """

    conversation: str
    user: str
    seq: int
    device: str = ""


class Login(NamedTuple):
    """Write: a device asks to come online; its row takes only a larger `attempt`. Result `LoggedIn`.

    `issued_ms` is when its token was signed, Unix ms; 0: the token doesn't say.
    """

    user: str
    device: str
    device_class: str
    attempt: int
    issued_ms: int = 0


class LoggedIn(NamedTuple):
    """`fence` is the attempt, now the largest of this device."""

    user: str
    device: str
    fence: int


class LogOut(NamedTuple):
    """Write: from now on the device takes only tokens signed at `before_ms` or later. Result `LoggedOut`."""

    user: str
    device: str
    before_ms: int


class LoggedOut(NamedTuple):
    """The device's next login needs a new token."""

    user: str
    device: str


class SetDisabled(NamedTuple):
    """Write: shut a user out, known or not yet, or let a known one in again. Result `UserState`.

    From the commit on a disabled user's logins, syncs and sends are refused.
    """

    user: str
    disabled: bool


class UserState(NamedTuple):
    """Whether a user may come online."""

    user: str
    disabled: bool


class CreateUser(NamedTuple):
    """Write: make a user known. Result `ProfileRecord`; the same again is the same answer."""

    user: str


class SetProfile(NamedTuple):
    """Write: change a profile; None leaves, an empty value in `fields` removes. Result `ProfileRecord`."""

    user: str
    name: str | None
    avatar: str | None
    fields: dict[str, str]


class GetProfile(NamedTuple):
    """Query: result `ProfileRecord`."""

    user: str


class ProfileRecord(NamedTuple):
    """What others see of a user."""

    user: str
    name: str
    avatar: str
    fields: dict[str, str]


class Sync(NamedTuple):
    """Query: which conversations of `user` changed since `cursor`? Result `SyncPage`.

    `after` is the `next` of the page before; "" asks for the first page. A login names its device and
    its token's `issued_ms`, so that one that was logged out since its `Login` is refused.
    """

    user: str
    cursor: SyncCursor | None
    after: str
    device: str = ""
    issued_ms: int = 0


class SyncPage(NamedTuple):
    """`cursor` is the stamp of this page's snapshot; of a paged sync the first page's is kept."""

    cursor: SyncCursor
    heads: list[Head]
    next: str


class Pull(NamedTuple):
    """Query: entries of a conversation, up from `from_seq` or backward from it. Result `PullPage`."""

    conversation: str
    user: str
    from_seq: int
    backward: bool
    limit: int


class PullPage(NamedTuple):
    """Entries in ascending order; at least one while any is left in the asked direction."""

    conversation: str
    epoch: str
    entries: list[Entry]
    visible_from: int
    head_seq: int
    active: bool
    member_version: int
    read_seq: int
    peer_read_seq: int
    peer_delivered_seq: int
    more: bool


class Custom(NamedTuple):
    """A request of a type of 10,000 and above, its body unopened. Result `CustomReply`.

    `conversation` is where it belongs, "" if nowhere. `key`, 16 bytes, stays the same at every repetition
    of the request. `id` is the number that the client gave it, for logs.
    """

    conversation: str
    user: str
    device: str
    type: int
    id: int
    key: bytes
    body: bytes


class CustomReply(NamedTuple):
    """What answers a `Custom`: a type with its body; type 0: it is done, and there is nothing to say."""

    type: int
    body: bytes


class GetRecord(NamedTuple):
    """Query: what a handler stored under a key. Result `Record`."""

    handler: str
    key: str


class Record(NamedTuple):
    """`value` is None, and `version` 0, where nothing is stored. A version never comes again."""

    key: str
    value: bytes | None
    version: int


class GetReply(NamedTuple):
    """Query: how was a user's request answered before? Result `CustomReply`, or `not_found`."""

    handler: str
    user: str
    key: bytes


class Post(NamedTuple):
    """A message that a handler stores. `sender` "" is the app itself; its kinds of 100 and up never count."""

    conversation: str
    sender: str
    client_msg_id: bytes
    kind: int
    content: bytes


class Conclude(NamedTuple):
    """Write: what a handler decided on a user's request, all of it or nothing. Result `Concluded` or `Stale`.

    `read` are the records that it decided on, by key with their versions; `changes` are the new values, None
    removes. The same handler, user and key again is answered as the first time, and nothing is stored.
    """

    handler: str
    user: str
    key: bytes
    read: tuple[tuple[str, int], ...]
    changes: tuple[tuple[str, bytes | None], ...]
    posts: tuple[Post, ...]
    reply: CustomReply


class Concluded(NamedTuple):
    """`sent` are aligned with the posts; empty if it is a `duplicate`, with the first reply."""

    reply: CustomReply
    sent: tuple[Sent, ...]
    duplicate: bool


class Stale(NamedTuple):
    """Nothing was stored: a record that was read has changed since."""

    key: str


Write = (
    Send
    | MoveRead
    | MoveDelivered
    | Login
    | LogOut
    | SetDisabled
    | CreateUser
    | SetProfile
    | Conclude
    | LedgerWrite
    | PushWrite
    | BackendWrite
)
Query = Sync | Pull | WhatChanged | GetProfile | GetRecord | GetReply | LedgerQuery | PushQuery | BackendQuery
Command = Write | Query | Custom
Result = (
    Sent
    | CursorMoved
    | LoggedIn
    | LoggedOut
    | UserState
    | ProfileRecord
    | SyncPage
    | PullPage
    | Changed
    | CustomReply
    | Record
    | Concluded
    | Stale
    | LedgerResult
    | PushResult
    | BackendResult
    | Refused
)

WRITES = (
    Send,
    MoveRead,
    MoveDelivered,
    Login,
    LogOut,
    SetDisabled,
    CreateUser,
    SetProfile,
    Conclude,
    *LEDGER_WRITES,
    *PUSH_WRITES,
    *BACKEND_WRITES,
)


class Request(NamedTuple):
    """A command on its way: the node that asks, its number for the answer, the session that sent it."""

    node: str
    id: int
    session: str
    command: Command
