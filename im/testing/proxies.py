"""A TCP port that leads to another one, until the way is cut, stands still, or is slow."""

from typing import Any

from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

LOOPBACK = "127.0.0.1"
_CONNECT_SECONDS = 5.0


class Proxy:
    """Leads to a loopback port. It keeps what comes while it stands still, without a bound: for tests."""

    def __init__(self, reactor: Any, target: int) -> None:
        self._reactor = reactor
        self.clock: IReactorTime = reactor
        self._target = target
        self._listening: Any = None
        self.ends: set[_End] = set()
        self.is_cut = False
        self.is_still = False
        self.delay_seconds = 0.0

    async def listen(self) -> int:
        """The port to connect to."""
        endpoint = TCP4ServerEndpoint(self._reactor, 0, interface=LOOPBACK)
        self._listening = await endpoint.listen(Factory.forProtocol(lambda: _Accepted(self)))
        port: int = self._listening.getHost().port
        return port

    def cut(self) -> None:
        """End every connection, and take no new one."""
        self.is_cut = True
        for end in list(self.ends):
            end.abort()

    def hold(self) -> None:
        """Let nothing through, and nobody notice."""
        self.is_still = True

    def slow_down(self, seconds: float) -> None:
        """Let everything come later, in each direction; 0: at once."""
        self.delay_seconds = seconds
        for end in list(self.ends):
            end.flow()

    def heal(self) -> None:
        """Lead on as at first; what was held comes at once."""
        self.is_cut = self.is_still = False
        self.delay_seconds = 0.0
        for end in list(self.ends):
            end.flow()

    async def close(self) -> None:
        """End everything."""
        self.cut()
        if self._listening is not None:
            await self._listening.stopListening()

    def connect(self, accepted: "_Accepted") -> None:
        """Give a connection that came its other end."""
        endpoint = TCP4ClientEndpoint(self._reactor, LOOPBACK, self._target, _CONNECT_SECONDS)
        joining = endpoint.connect(Factory.forProtocol(lambda: _End(self, accepted)))
        joining.addErrback(lambda _: accepted.abort())


class _End(Protocol):
    """One end of a connection: what it receives goes to its peer, then its end."""

    def __init__(self, proxy: Proxy, peer: "_End | None" = None) -> None:
        self._proxy = proxy
        self.peer = peer
        self._kept: list[tuple[float, bytes | None]] = []
        self._waking: IDelayedCall | None = None
        self._is_dropped = False

    def connectionMade(self) -> None:
        """Join the two ends."""
        self._proxy.ends.add(self)
        if self.peer is not None:
            self.peer.peer = self
            self.peer.flow()
        if self._proxy.is_cut:
            self.abort()

    def dataReceived(self, data: bytes) -> None:
        """Take something to be passed on."""
        self._keep(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The end is passed on, too, after what came before it."""
        if not self._is_dropped:
            self._keep(None)

    def abort(self) -> None:
        """End both ends at once."""
        for end in (self, self.peer):
            if end is not None:
                end.drop()

    def drop(self) -> None:
        """End it, and forget what waits."""
        self._is_dropped = True
        self._proxy.ends.discard(self)
        self._kept.clear()
        self._sleep()
        if self.transport is not None:
            self.transport.abortConnection()  # type: ignore[attr-defined]

    def flow(self) -> None:
        """Pass on what is due."""
        self._sleep()
        proxy, peer = self._proxy, self.peer
        if proxy.is_still or peer is None:
            return
        now = proxy.clock.seconds()
        while self._kept and (self._kept[0][0] <= now or not proxy.delay_seconds):
            _, data = self._kept.pop(0)
            if data is not None:
                peer.pass_on(data)
            else:
                proxy.ends.discard(self)
                peer.lose()
        if self._kept:
            self._waking = proxy.clock.callLater(self._kept[0][0] - now, self._wake)

    def pass_on(self, data: bytes) -> None:
        """Write what the peer received."""
        if self.transport is not None:
            self.transport.write(data)

    def lose(self) -> None:
        """End it, after what was written."""
        if self.transport is not None:
            self.transport.loseConnection()

    def _keep(self, data: bytes | None) -> None:
        self._kept.append((self._proxy.clock.seconds() + self._proxy.delay_seconds, data))
        self.flow()

    def _wake(self) -> None:
        self._waking = None
        self.flow()

    def _sleep(self) -> None:
        if self._waking is not None:
            self._waking.cancel()
            self._waking = None


class _Accepted(_End):
    """The end of whoever connected."""

    def connectionMade(self) -> None:
        """Have the other end made."""
        super().connectionMade()
        if not self._proxy.is_cut:
            self._proxy.connect(self)
