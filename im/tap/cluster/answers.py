"""The queue in which a worker gets answers to what its HTTP API asks."""

import secrets
from typing import Protocol

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.adapters.redis.layout import address
from im.ports import UnavailableError

AGAIN_SECONDS = 0.5
_GENERATION_BYTES = 8


class Joining(Protocol):
    """`im.adapters.amqp.inbox.Inbox`, as far as it is used here."""

    address: str

    async def join(self, address: str) -> None:
        """See `Inbox.join`."""


class Answers:
    """Has `inbox` joined from the first `need` on until `stop`, each time under a new address.

    The queue of an address that was lost may stay for as long as RabbitMQ takes its connection for alive,
    and nobody else may use it meanwhile.
    """

    _log = Logger()

    def __init__(self, worker: str, inbox: Joining, clock: IReactorTime) -> None:
        self._worker = worker
        self._inbox = inbox
        self._clock = clock
        self._joining: Deferred[None] = succeed(None)

    def need(self) -> None:
        """Join, and try again until it is so; nothing to do where it is."""
        if self._joining.called and not self._inbox.address:
            self._joining = Deferred.fromCoroutine(self._join())
            self._joining.addErrback(self._ended)

    def stop(self) -> None:
        """Try no more."""
        self._joining.cancel()

    async def _join(self) -> None:
        told = ""
        while not self._inbox.address:
            try:
                await self._inbox.join(address(self._worker, secrets.token_hex(_GENERATION_BYTES)))
            except UnavailableError as error:
                if str(error) != told:
                    told = str(error)
                    self._log.warn("the HTTP API gets no answers yet: {error}", error=told)
                await deferLater(self._clock, AGAIN_SECONDS)

    def _ended(self, failure: Failure) -> None:
        failure.trap(CancelledError)
