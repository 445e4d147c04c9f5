"""One connection to RabbitMQ that comes back by itself, and what is set up on it each time."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pika
from pika.exceptions import AMQPError, ChannelClosedByBroker
from twisted.application.internet import ClientService, backoffPolicy
from twisted.internet.defer import CancelledError, Deferred, TimeoutError, succeed
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError, ConnectionClosed
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.adapters.amqp.protocol import AmqpFactory, AmqpProtocol
from im.adapters.amqp.topology import Queue
from im.adapters.sentences import sentence
from im.ports import UnavailableError

T = TypeVar("T")
CALL_SECONDS = 10.0
SETUP_SECONDS = 30.0
AGAIN_SECONDS = (0.5, 5.0)
"""Before a broker that let us not in is asked again; doubled each time."""

STOP_SECONDS = 2.0
"""What was sent has so long to leave."""

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


def _place(parameters: pika.URLParameters) -> str:
    return f"RabbitMQ at {parameters.host}:{parameters.port}"


def _endpoint(parameters: pika.URLParameters, reactor: IReactorTime) -> IStreamClientEndpoint:
    endpoint: IStreamClientEndpoint = HostnameEndpoint(reactor, parameters.host, parameters.port)
    if parameters.ssl_options is not None:
        endpoint = wrapClientTLS(optionsForClientTLS(parameters.host), endpoint)
    return endpoint


async def connect(parameters: pika.URLParameters, reactor: IReactorTime) -> AmqpProtocol:
    """A connection that does not come back, for one command. Raises `UnavailableError`, one sentence."""
    factory = AmqpFactory(parameters, lambda _: None)
    connecting: Deferred[Any] = _endpoint(parameters, reactor).connect(factory)
    try:
        protocol: AmqpProtocol = await connecting.addTimeout(CALL_SECONDS, reactor)
    except (ConnectError, TimeoutError, OSError) as error:
        raise UnavailableError(f"{_place(parameters)} is not reached: {sentence(error)}") from error
    refusal = await protocol.opened.addTimeout(CALL_SECONDS, reactor)
    if refusal:
        protocol.transport.abortConnection()
        raise UnavailableError(f"{_place(parameters)} does not let us in: {refusal}")
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
        self._place = _place(parameters)
        self._reactor = reactor
        self._set_up = set_up
        self._lost = lost
        factory = AmqpFactory(parameters, self._blocked)
        endpoint = _endpoint(parameters, reactor)
        self._service = ClientService(endpoint, factory, backoffPolicy(*_BACK_OFF), clock=reactor)
        self._protocol: AmqpProtocol | None = None
        self._running: Deferred[None] = succeed(None)
        self._is_stopping = False
        self._problem = f"{self._place} was not reached yet"
        self._full = ""

    @property
    def problem(self) -> str:
        """Why nothing can be sent now, in one sentence; "" if it can."""
        return self._problem or self._full

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
        aborting = self._reactor.callLater(STOP_SECONDS, self._abort)
        await self._service.stopService()
        if aborting.active():
            aborting.cancel()
        self._lost()

    def _ended(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("{place} is connected to no more", failure, place=self._place)

    async def _run(self) -> None:
        pause, longest = AGAIN_SECONDS
        while True:
            self._protocol = protocol = await self._connected()
            was_of_use = await self._use(protocol)
            pause = AGAIN_SECONDS[0] if was_of_use else min(2 * pause, longest)
            await deferLater(self._reactor, pause)

    async def _connected(self) -> AmqpProtocol:
        while True:
            try:
                protocol: Any = await self._service.whenConnected(failAfterFailures=1)
            except (ConnectError, OSError) as error:
                self._tell(f"{self._place} is not reached: {sentence(error)}")
                await deferLater(self._reactor, 0)
            else:
                assert isinstance(protocol, AmqpProtocol)
                return protocol

    async def _use(self, protocol: AmqpProtocol) -> bool:
        """Until it is gone. Was it of use?"""
        refusal = await protocol.opened.addTimeout(CALL_SECONDS, self._reactor)
        closed: Deferred[Any] | None = protocol.closed
        if refusal or closed is None:
            if refusal:
                self._tell(f"{self._place} does not let us in: {refusal}")
            self._abort()
            return False
        try:
            setting_up = Deferred.fromCoroutine(self._set_up(protocol))
            await setting_up.addTimeout(SETUP_SECONDS, self._reactor)
        except (*GONE, UnavailableError, TimeoutError, OSError) as error:
            self._tell(f"{self._place}: {sentence(error)}")
            end(protocol)
        else:
            self._problem = ""
            self._log.info("connected to {place}", place=self._place)
        reason = await closed
        self._full = ""
        self._lost()
        was_of_use = not self._problem
        if was_of_use:
            self._tell(f"{self._place} is gone: {protocol.why or sentence(reason)}")
        return was_of_use

    def _abort(self) -> None:
        if self._protocol is not None:
            self._protocol.transport.abortConnection()

    def _blocked(self, reason: str) -> None:
        self._full = f"{self._place} takes no messages now: {reason}" if reason else ""
        self._log.warn("{text}", text=self._full or f"{self._place} takes messages again")

    def _tell(self, problem: str) -> None:
        if problem != self._problem and not self._is_stopping:
            self._log.warn("{problem}", problem=problem)
        self._problem = problem


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
        raise _of_another_kind(f"the queue {queue.name}", error) from error


async def declare_topic(channel: Any, exchange: str) -> None:
    """Make a topic exchange, or find it. Raises `UnavailableError` if one of that name is of another kind."""
    try:
        await channel.exchange_declare(exchange=exchange, exchange_type="topic", durable=True)
    except ChannelClosedByBroker as error:
        raise _of_another_kind(f"the exchange {exchange}", error) from error


def _of_another_kind(what: str, error: ChannelClosedByBroker) -> UnavailableError:
    reason = f"{what} can't be used ({error.reply_text})"
    return UnavailableError(f"{reason}: remove it, or give this cluster another name")
