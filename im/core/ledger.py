"""What is asked of the ledger of sessions, and what it answers. See `im.core.commands`."""

from typing import NamedTuple

from im.core.online_time import Figure


class OpenSession(NamedTuple):
    """Write: a session began, at `opened_ms`. Result `SessionNoted`; a session that is known stays as it is.

    `heartbeat_ms` is the interval at which its client must be heard. All times of a session go on from
    `opened_ms` by a monotonic clock; `clock_ms` is what the node's wall clock had jumped until then.
    """

    session: str
    user: str
    device: str
    device_class: str
    node: str
    opened_ms: int
    is_foreground: bool
    heartbeat_ms: int
    clock_ms: int = 0


class ChangeAppState(NamedTuple):
    """Write: a session's app came to the foreground at `at_ms`, or left it. Result `SessionNoted`.

    It may be `blurred_ms` late. Nothing happens if a later change is known.
    """

    session: str
    user: str
    at_ms: int
    is_foreground: bool
    heartbeat_ms: int
    blurred_ms: int = 0


class CloseSession(NamedTuple):
    """Write: a session ended; its client was last heard at `closed_ms`. Result `SessionNoted`.

    The true end may be `bound_ms` away. The wall clock jumped by `clock_ms` meanwhile, and changes of
    the app state of `blurred_ms` in all were merged away. `opened` is how it began, should its row be
    missing. A session that was taken to have died with its node is put right.
    """

    opened: OpenSession
    closed_ms: int
    reason: str
    bound_ms: int
    clock_ms: int = 0
    blurred_ms: int = 0


class MoveClock(NamedTuple):
    """Write: a node's wall clock has jumped by `clock_ms` in all since its start. Result `SessionNoted`."""

    node: str
    clock_ms: int


class EndNode(NamedTuple):
    """Write: a node died that was last alive at `last_ms`: its open sessions end then. Result `NodeEnded`.

    0: when its own last beat says.
    """

    node: str
    last_ms: int


class BeatNode(NamedTuple):
    """Write: a node, started at `started_ms`, is alive. Result `SessionNoted`."""

    node: str
    started_ms: int


class EndSilentNodes(NamedTuple):
    """Write: end the open sessions of all nodes that did not beat for `silent_ms`. Result `NodeEnded`."""

    silent_ms: int


class SessionNoted(NamedTuple):
    """The ledger has it. `is_new` is false where it had it before, or knows better."""

    is_new: bool


class NodeEnded(NamedTuple):
    """How many sessions ended with it."""

    sessions: int


class KeepLedger(NamedTuple):
    """Write: a step of the ledger's upkeep. Result `LedgerKept`.

    At most `most` sessions are entered into the days that they touch, and as many rows purged whose
    time is over.
    """

    most: int


class LedgerKept(NamedTuple):
    """How many rows the step changed; with `more`, there is more to do."""

    entered: int
    purged: int
    more: bool


class OnlineTime(NamedTuple):
    """Query: how long a user was online. Result `OnlineTimeReport`.

    From day `first` to `last`, both included, YYYY-MM-DD; "" is today, and six days before. `by` is
    "day" or "hour"; `zone` is an IANA time zone, "" the store's own.
    """

    user: str
    first: str
    last: str
    by: str
    zone: str = ""


class OnlineTimeReport(NamedTuple):
    """The figures that are not 0, in order. `zone` is the time zone of their days."""

    user: str
    zone: str
    figures: tuple[Figure, ...]


class OnlineTimes(NamedTuple):
    """Query: the same of all users, in pages. Result `OnlineTimesPage`.

    `after` is the `next` of the page before; "" asks for the first page.
    """

    after: str
    first: str
    last: str
    by: str
    zone: str = ""


class OnlineTimesPage(NamedTuple):
    """Reports of users with any figure, by user; maybe none though `next` names a further page."""

    reports: tuple[OnlineTimeReport, ...]
    next: str


LedgerWrite = (
    OpenSession | ChangeAppState | CloseSession | MoveClock | EndNode | BeatNode | EndSilentNodes | KeepLedger
)
LedgerQuery = OnlineTime | OnlineTimes
LedgerResult = SessionNoted | NodeEnded | LedgerKept | OnlineTimeReport | OnlineTimesPage

LEDGER_WRITES = (
    OpenSession,
    ChangeAppState,
    CloseSession,
    MoveClock,
    EndNode,
    BeatNode,
    EndSilentNodes,
    KeepLedger,
)
