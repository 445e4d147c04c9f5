"""One connection to RabbitMQ that comes back by itself, and what is set up on it each time."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pika
from pika.adapters.twisted_connection import TwistedProtocolConnection
from pika.exceptions import AMQPError, ChannelClosedByBroker
from twisted.application.internet import ClientService, backoffPolicy
from twisted.internet.defer import CancelledError, Deferred, TimeoutError, succeed
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectionClosed
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.adapters.amqp.topology import Queue
from im.ports import UnavailableError

T = TypeVar("T")
CALL_SECONDS = 10.0
SETUP_SECONDS = 30.0
AGAIN_SECONDS = 0.5
_BACK_OFF = (0.1, 3.0)

GONE = (AMQPError, ConnectionClosed)
"""What calls fail with when the channel or the connection is gone."""

SetUp = Callable[["Any"], Coroutine[Any, Any, None]]
"""Called with a connection that is ready: makes channels, declares, consumes."""


def parameters_of(url: str, heartbeat: int) -> pika.URLParameters:
    """Read a URL, amqp: or amqps:. Raises ValueError, one sentence without the password."""
    parts = urlsplit(url)
    if parts.scheme not in ("amqp", "amqps") or not parts.hostname:
        raise ValueError("the URL of RabbitMQ must be like amqp://USER:PASSWORD@HOST:5672/")
    try:
        parameters = pika.URLParameters(url)
    except (ValueError, TypeError) as error:
        raise ValueError("the URL of RabbitMQ can't be read; mind its port and its parameters") from error
    parameters.heartbeat = heartbeat
    return parameters


class _Protocol(TwistedProtocolConnection):  # type: ignore[misc]
    """Sends at once: else what follows a message waits for its ACK, up to 40 ms."""

    def makeConnection(self, transport: Any) -> None:
        transport.setTcpNoDelay(True)
        super().makeConnection(transport)


class _Factory(Factory):
    noisy = False

    def __init__(self, parameters: pika.URLParameters) -> None:
        self._parameters = parameters

    def buildProtocol(self, addr: Any) -> Any:
        protocol = _Protocol(self._parameters)
        protocol.factory = self
        return protocol


class AmqpConnection:
    """From `start` to `stop`. `set_up` is run on each new connection; `lost` is called when one is gone.

    While there is none, `problem` says why, in one sentence.
    """

    _log = Logger()

    def __init__(
        self,
        parameters: pika.URLParameters,
        reactor: IReactorTime,
        set_up: SetUp,
        lost: Callable[[], None],
    ) -> None:
        self._place = f"RabbitMQ at {parameters.host}:{parameters.port}"
        self._reactor = reactor
        self._set_up = set_up
        self._lost = lost
        endpoint: IStreamClientEndpoint = HostnameEndpoint(reactor, parameters.host, parameters.port)
        if parameters.ssl_options is not None:
            endpoint = wrapClientTLS(optionsForClientTLS(parameters.host), endpoint)
        self._service = ClientService(
            endpoint,
            _Factory(parameters),
            backoffPolicy(*_BACK_OFF),
            clock=reactor,
            prepareConnection=self._prepare,
        )
        self._running: Deferred[None] = succeed(None)
        self._is_stopping = False
        self.problem = f"{self._place} was not reached yet"

    def start(self) -> None:
        """Connect, now and again."""
        self._service.startService()
        self._running = Deferred.fromCoroutine(self._run())
        self._running.addErrback(self._ended)

    async def stop(self) -> None:
        """Close the connection for good. Idempotent."""
        if self._is_stopping:
            return
        self._is_stopping = True
        self._running.cancel()
        await self._service.stopService()
        self._lost()

    def _ended(self, failure: Failure) -> None:
        failure.trap(CancelledError)

    def _prepare(self, protocol: Any) -> "Deferred[Any]":
        ready: Deferred[Any] = protocol.ready
        return ready.addTimeout(CALL_SECONDS, self._reactor).addErrback(self._not_ready)

    def _not_ready(self, failure: Failure) -> Failure:
        self._tell(f"{self._place} does not let us in: {_sentence(failure.value)}")
        return failure

    async def _run(self) -> None:
        while True:
            connection: Any = await self._service.whenConnected()
            closed: Deferred[Any] = connection.closed
            try:
                setting_up = Deferred.fromCoroutine(self._set_up(connection))
                await setting_up.addTimeout(SETUP_SECONDS, self._reactor)
            except (*GONE, UnavailableError, TimeoutError, OSError) as error:
                self._tell(f"{self._place}: {_sentence(error)}")
                end(connection)
            else:
                self.problem = ""
                self._log.info("connected to {place}", place=self._place)
            reason = await closed
            self._lost()
            if not self.problem:
                self._tell(f"{self._place} is gone: {_sentence(reason)}")
            await deferLater(self._reactor, AGAIN_SECONDS)

    def _tell(self, problem: str) -> None:
        if problem != self.problem and not self._is_stopping:
            self._log.warn("{problem}", problem=problem)
        self.problem = problem


def end(connection: Any) -> None:
    """Close a connection that works in part only: it comes back, and is set up whole."""
    if connection.is_open:
        connection.close()


async def lasting(connection: Any) -> Any:
    """A new channel. Where the broker closes it alone, the connection ends too."""
    channel = await connection.channel()
    channel.on_closed.addCallback(_closed, connection)
    return channel


def _closed(reason: Any, connection: Any) -> None:
    if isinstance(reason, ChannelClosedByBroker):
        end(connection)


async def declare(channel: Any, queue: Queue) -> None:
    """Make a queue, or find it. Raises `UnavailableError` if one of that name is of another kind."""
    try:
        await channel.queue_declare(
            queue=queue.name,
            durable=queue.durable,
            exclusive=queue.exclusive,
            arguments=dict(queue.arguments),
        )
    except ChannelClosedByBroker as error:
        raise UnavailableError(
            f"the queue {queue.name} can't be used ({error.reply_text}):"
            " remove it, or give this cluster another name"
        ) from error


async def declare_topic(channel: Any, exchange: str) -> None:
    """Make a topic exchange, or find it. Raises `UnavailableError` if one of that name is of another kind."""
    try:
        await channel.exchange_declare(exchange=exchange, exchange_type="topic", durable=True)
    except ChannelClosedByBroker as error:
        raise UnavailableError(
            f"the exchange {exchange} can't be used ({error.reply_text}):"
            " remove it, or give this cluster another name"
        ) from error


def _sentence(error: Any) -> str:
    text = " ".join(str(error).split())
    return text or type(error).__name__
