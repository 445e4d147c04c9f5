"""Keeps one link to one of several addresses: dial, fall back, wait, dial again."""

from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.client.addresses import EndpointFactory, build_link, is_safe_alternate
from im.client.core.timing import Jitter
from im.client.links import Link
from im.client.routes import Routes, is_route, no_routes
from im.client.settings import Token

DIAL_SECONDS = 15.0
"""For a token, a connection and its handshakes together."""

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Between two rounds over all addresses; doubles, jittered."""


class Dialling(NamedTuple):
    """How to reach a node: where, by what, with whose token; and whom to ask where."""

    addresses: tuple[str, ...]
    token: Token
    endpoints: EndpointFactory
    routes: Routes = no_routes


class ConnectorOwner(Protocol):
    """Who wants a link."""

    def link_received(self, payloads: list[bytes]) -> None:
        """Bytes came over the link."""

    def link_ready(self, link: Link, token: str) -> None:
        """A link stands; log in with this token."""

    def link_gone(self, reason: str) -> None:
        """The link that was ready is gone. Nothing else happens until `retry` is called."""

    def dialling(self, address: str) -> None:
        """An address is tried."""

    def waiting(self, seconds: float, reason: str) -> None:
        """No address could be reached; the next round comes after `seconds`."""


class _AskedError(Exception):
    """An address that is asked has been asked; those that it named are tried next."""


class Connector:
    """Dials the addresses in turn until one answers. One link at a time.

    An address that is to be asked where to connect is asked each time that its turn comes.
    """

    _log = Logger()

    def __init__(
        self, dialling: Dialling, reactor: IReactorTime, jitter: Jitter, owner: ConnectorOwner
    ) -> None:
        self._dialling = dialling
        self._reactor = reactor
        self._jitter = jitter
        self._owner = owner
        self._round: list[str] = []
        self._address = dialling.addresses[0]
        self._is_settled = False
        self._failures = 0
        self._attempt: Deferred[tuple[Link, str]] | None = None
        self._wait: IDelayedCall | None = None
        self._link: Link | None = None

    def start(self) -> None:
        """Dial, beginning with the first address."""
        self._round = list(self._dialling.addresses)
        self._dial()

    def stop(self) -> None:
        """Drop everything now. The owner hears nothing more."""
        if self._wait is not None:
            self._wait.cancel()
            self._wait = None
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.cancel()
        link, self._link = self._link, None
        if link is not None:
            link.abort()

    def settled(self) -> None:
        """The login succeeded: the next failure is the first one again, and this address a good one."""
        self._failures = 0
        self._is_settled = True

    def retry(self, retry_after: float, alternate: str) -> None:
        """Dial again, after a jittered wait; `alternate` first, unless it is less safe."""
        self._round = list(self._dialling.addresses)
        asks = any(is_route(each) for each in self._round)
        if self._address in self._round and not asks:
            self._round.remove(self._address)
            self._round.insert(0 if self._is_settled else len(self._round), self._address)
        if alternate and is_safe_alternate(alternate, self._address):
            self._round.insert(0, alternate)
        self._pause(retry_after, "connection lost")

    def link_received(self, payloads: list[bytes]) -> None:
        """Bytes came over the link."""
        self._owner.link_received(payloads)

    def link_lost(self, link: Link, reason: Failure) -> None:
        """The link ended by itself or because it was closed."""
        if link is self._link:
            self._link = None
            self._owner.link_gone(reason.getErrorMessage())

    def _dial(self) -> None:
        self._wait = None
        self._is_settled = False
        self._address = self._round.pop(0)
        self._owner.dialling(self._address)
        self._attempt = attempt = Deferred.fromCoroutine(self._open(self._address))
        attempt.addTimeout(DIAL_SECONDS, self._reactor)
        attempt.addCallbacks(self._opened, self._failed)
        attempt.addErrback(self._broken)

    async def _open(self, address: str) -> tuple[Link, str]:
        token = self._dialling.token
        if not isinstance(token, str):
            made = token()
            token = made if isinstance(made, str) else await made
        if is_route(address):
            found = await self._dialling.routes(address, token)
            self._round = [*found, *(each for each in self._round if each not in found)]
            raise _AskedError(f"{address} names {found[0]}")
        link = build_link(address, self)
        factory = Factory.forProtocol(lambda: link)
        factory.noisy = False
        await self._dialling.endpoints(address).connect(factory)
        await link.ready
        return link, token

    def _opened(self, opened: tuple[Link, str]) -> None:
        self._attempt = None
        self._link, token = opened
        self._owner.link_ready(self._link, token)

    def _failed(self, failure: Failure) -> None:
        if self._attempt is None:
            return  # stopped
        self._attempt = None
        reason = failure.getErrorMessage()
        self._log.debug("{address} cannot be reached: {reason}", address=self._address, reason=reason)
        if self._round:
            self._dial()
        else:
            self._round = list(self._dialling.addresses)
            self._pause(0.0, reason)

    def _broken(self, failure: Failure) -> None:
        """The owner could not log in, its state perhaps not be written: as if the link had been lost."""
        self._log.failure("no login over {address}", failure, address=self._address)
        if self._link is not None:
            self._link.abort()

    def _pause(self, at_least: float, reason: str) -> None:
        self._failures += 1
        full = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(self._failures - 1, 16))
        seconds = at_least + full * (0.5 + self._jitter() / 2)
        self._wait = self._reactor.callLater(seconds, self._dial)
        self._owner.waiting(seconds, reason)
