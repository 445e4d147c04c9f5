"""What the connection layer asks of the business layer, and what it is told.

Plain values without behaviour, so that a bridge can carry them to another process. A *write* is
executed in a batch, in order, in one transaction; a *query* reads one consistent state.
Every command has exactly one kind of result, or `Refused`.
"""

from typing import NamedTuple

from im.core.backends import BACKEND_WRITES, BackendQuery, BackendResult, BackendWrite
from im.core.changing import CHANGE_WRITES, ChangeQuery, ChangeResult, ChangeWrite
from im.core.contacts import ContactQuery, ContactResult
from im.core.custom import Conclude, Concluded, Custom, CustomReply, GetRecord, GetReply, Record, Stale
from im.core.errors import Refused
from im.core.events import EVENT_WRITES, EventQuery, EventResult, EventWrite
from im.core.explaining import ExplainingQuery, ExplainingResult
from im.core.grouping import GROUP_WRITES, GroupQuery, GroupResult, GroupWrite
from im.core.ledger import LEDGER_WRITES, LedgerQuery, LedgerResult, LedgerWrite
from im.core.looking import Changed, WhatChanged
from im.core.messages import (
    CursorMoved,
    MoveDelivered,
    MoveRead,
    Pull,
    PullPage,
    Send,
    SendAsApp,
    Sent,
    Sync,
    SyncPage,
)
from im.core.personal import PERSONAL_WRITES, PersonalQuery, PersonalResult, PersonalWrite
from im.core.presence import FindPresence, PresenceFound
from im.core.purging import FindOld, MessagesPurged, OldFound, PurgeMessages
from im.core.pushing import PUSH_WRITES, PushQuery, PushResult, PushWrite
from im.core.reaching import REACH_WRITES, ReachQuery, ReachResult, ReachWrite
from im.core.relations import (
    RELATION_WRITES,
    RelationQuery,
    RelationResult,
    RelationWrite,
)
from im.core.seeing import FindShards, ShardsFound, TracedEntry, TraceEntry
from im.core.webhooks import WEBHOOK_WRITES, WebhookQuery, WebhookResult, WebhookWrite


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
    """`fence` is the attempt, now the largest of this device. `has_groups`: the user is in any by now."""

    user: str
    device: str
    fence: int
    has_groups: bool = False


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


class GetUserState(NamedTuple):
    """Query: may a user do anything? Result `UserState`, of one that isn't there yet, too."""

    user: str


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


Write = (
    Send
    | SendAsApp
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
    | ReachWrite
    | RelationWrite
    | GroupWrite
    | ChangeWrite
    | EventWrite
    | WebhookWrite
    | PersonalWrite
    | PurgeMessages
)
Query = (
    Sync
    | Pull
    | WhatChanged
    | GetProfile
    | GetUserState
    | GetRecord
    | GetReply
    | LedgerQuery
    | FindPresence
    | PushQuery
    | BackendQuery
    | ReachQuery
    | RelationQuery
    | ContactQuery
    | GroupQuery
    | ChangeQuery
    | EventQuery
    | WebhookQuery
    | ExplainingQuery
    | PersonalQuery
    | FindShards
    | TraceEntry
    | FindOld
)
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
    | PresenceFound
    | PushResult
    | BackendResult
    | ReachResult
    | RelationResult
    | ContactResult
    | GroupResult
    | ChangeResult
    | EventResult
    | WebhookResult
    | ExplainingResult
    | PersonalResult
    | ShardsFound
    | TracedEntry
    | OldFound
    | MessagesPurged
    | Refused
)

WRITES = (
    Send,
    SendAsApp,
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
    *REACH_WRITES,
    *RELATION_WRITES,
    *GROUP_WRITES,
    *CHANGE_WRITES,
    *EVENT_WRITES,
    *WEBHOOK_WRITES,
    *PERSONAL_WRITES,
    PurgeMessages,
)


class Request(NamedTuple):
    """A command on its way: the node that asks, its number for the answer, the session that sent it."""

    node: str
    id: int
    session: str
    command: Command
