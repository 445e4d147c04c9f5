"""Entries, cursors and syncs: what is asked of the store for conversations, and what it answers."""

from typing import NamedTuple

from im.core.errors import Refused
from im.core.folding import Fold
from im.core.groups import GroupFacts
from im.core.relations import NO_CONTACT, Contact


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
    contact: Contact = NO_CONTACT
    group: GroupFacts | None = None


class Verdict(NamedTuple):
    """What hooks decided about a message: None, it may be stored; else why not, unless it was before."""

    refused: Refused | None = None


class Send(NamedTuple):
    """Write: store one message. Result `Sent`. Its content mentions `mentions`; "" is everyone.

    One with a verdict may have content that hooks changed: its id alone tells whether it was stored before.
    """

    conversation: str
    sender: str
    device: str
    client_msg_id: bytes
    after: bytes
    seen_seq: int
    kind: int
    content: bytes
    mentions: tuple[str, ...] = ()
    verdict: Verdict | None = None


class SendAsApp(NamedTuple):
    """Write: store a message of the app itself, wherever a conversation is or may begin. Result `Sent`."""

    conversation: str
    client_msg_id: bytes
    kind: int
    content: bytes
    mentions: tuple[str, ...] = ()


class CursorMoved(NamedTuple):
    """Where the user's cursors stand now; `moved` is false when they stood there before.

    `was_marked`: the user had marked the conversation as unread, which is over now; that is a move, too.
    """

    conversation: str
    user: str
    read_seq: int
    delivered_seq: int
    unread: int
    moved: bool
    was_marked: bool = False


class Sent(NamedTuple):
    """`duplicate`: it was stored before, this is the first answer again and nobody is to be told.

    `read` is where the sender's cursors stand if the send's `seen_seq` moved them. Of a group
    `member_version` says to whom the message goes; 0 of others, and of a duplicate.
    """

    conversation: str
    seq: int
    n: int
    time_ms: int
    epoch: str
    duplicate: bool
    read: CursorMoved | None = None
    member_version: int = 0


class MoveRead(NamedTuple):
    """Write: the user has seen everything up to `seq`. Result `CursorMoved`."""

    conversation: str
    user: str
    seq: int


class MoveDelivered(NamedTuple):
    """Write: a device of the user acknowledged everything up to `seq`. Result `CursorMoved`.

    In an inbox `device` says which one, and when it did is kept. What was acknowledged in the
    background did not reach the user: see `im.core.reaching`.
    """

    conversation: str
    user: str
    seq: int
    device: str = ""
    is_foreground: bool = True


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
    """Entries in ascending order; at least one while any is left in the asked direction.

    `folds` tell of those that others refer to.
    """

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
    folds: tuple[Fold, ...] = ()
