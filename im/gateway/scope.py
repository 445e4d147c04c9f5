"""What all connections of a node share: limits in the units of node time, and the node behind them."""

from typing import TYPE_CHECKING, NamedTuple, Protocol

from im.core.limits import Limits
from im.core.rate import Rate
from im.core.sessions import Heartbeats
from im.core.window import WindowBounds
from im.gateway.counters import Counters
from im.gateway.ticker import TICK_SECONDS, Ticker, ticks
from im.proto.base_pb2 import BaseMessage

if TYPE_CHECKING:
    from im.gateway.connection import Connection


class ConnectionOwner(Protocol):
    """What a connection tells the node."""

    def dispatch(self, connection: "Connection", envelope: BaseMessage) -> None:
        """Take one envelope of a client."""

    def session_began(self, connection: "Connection") -> None:
        """The connection's session is online; called once."""

    def app_state_changed(self, connection: "Connection") -> None:
        """The app of a session that is online came to the foreground, or left it."""

    def session_ended(self, connection: "Connection", reason: str) -> None:
        """Let go of the connection's session; called once, before `connection_closed`."""

    def connection_closed(self, connection: "Connection") -> None:
        """Let go of the connection."""


class ConnectionScope(NamedTuple):
    """What all connections of a node share."""

    limits: Limits
    ticker: Ticker
    counters: Counters
    owner: ConnectionOwner
    rate: Rate
    bounds: WindowBounds
    heartbeats: Heartbeats


def connection_scope(
    limits: Limits, ticker: Ticker, counters: Counters, owner: ConnectionOwner
) -> ConnectionScope:
    """Derive from the limits what connections measure with."""
    return ConnectionScope(
        limits,
        ticker,
        counters,
        owner,
        Rate(limits.frames_per_second * TICK_SECONDS, limits.frames_burst),
        WindowBounds(
            limits.window_deliveries, limits.window_bytes, ticks(limits.resend_seconds), limits.resends
        ),
        Heartbeats(round(limits.heartbeat_seconds * 1000), round(limits.background_heartbeat_seconds * 1000)),
    )
