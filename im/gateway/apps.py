"""Types of 10,000 and above: to a handler on this node, else forwarded, body unopened."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

from google.protobuf.message import Message
from twisted.internet.interfaces import IReactorTime

from im.core.commands import Command, Result
from im.core.custom import KEY_BYTES, Custom, CustomReply
from im.core.errors import Code, Refused, invalid
from im.core.sessions import State
from im.gateway.connection import Connection
from im.gateway.context import TOO_MANY, GatewayContext, OnResult
from im.gateway.requests import Requests
from im.gateway.validate import app_conversation_problem
from im.handler import Owner
from im.isolation import Handlers, InThread, Isolation
from im.proto.base_pb2 import BaseMessage, Ok
from im.wire.codec import UndecodableError, pack, pack_raw, unpack_as

T = TypeVar("T")

_NOT_LOGGED_IN = Refused(Code.NOT_LOGGED_IN, "the first frame must be ONLINE")
_KEY = invalid("key", f"key must be empty or have {KEY_BYTES} bytes")
_CONVERSATION = invalid("conversation", "this type belongs to a conversation; name it")

Run = Callable[[Any, Callable[[Any, Any], Any], Any], None]
"""Calls a step with a context and a value, within dispatch's error boundary."""


class Surroundings(NamedTuple):
    """What runs a handler on this node."""

    requests: Requests
    run: Run
    clock: IReactorTime
    now_ms: Callable[[], int]


class _Owned(NamedTuple):
    owner: Owner
    isolation: Isolation
    in_thread: InThread


class AppContext(GatewayContext):
    """The `RequestContext` of a handler that runs on the gateway."""

    __slots__ = ("_owned", "_waits", "conversation", "now_ms")

    def __init__(
        self, connection: Connection, envelope: BaseMessage, owned: _Owned, requests: Requests, now_ms: int
    ) -> None:
        super().__init__(connection, envelope.type, envelope.id, requests)
        self.conversation = envelope.conversation
        self.now_ms = now_ms
        self._owned = owned
        self._waits = False

    @property
    def settings(self) -> Mapping[str, Any]:
        """See `RequestContext`."""
        return self._owned.owner.settings

    def reply(self, body: Message) -> None:
        """See `RequestContext`."""
        number, data = self._owned.owner.serialized(body, self.connection.limits.frame_bytes)
        self.reply_frame(pack_raw(number, data, self.request_id))

    def submit(self, command: Command, on_result: OnResult) -> None:
        """See `im.handler.GatewayContext`."""
        self._waits = True
        super().submit(command, on_result)

    def in_thread(self, call: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        """See `RequestContext`."""
        return self._owned.in_thread(lambda: call(*arguments))

    def done(self) -> None:
        """Say OK, unless an answer went out or is to come of the business layer."""
        if not self._waits:
            self.reply_frame(pack(Ok(), self.request_id))


class AppTypes:
    """The handlers that run on this node, and the way to all others."""

    def __init__(self, handlers: Handlers, around: Surroundings) -> None:
        """Raises `ValueError` if two handlers have the same type."""
        self._around = around
        self._owned: dict[int, _Owned] = {}
        for owner in handlers.owners:
            number = owner.handler.type
            if number in self._owned:
                raise ValueError(f"two handlers for type {number}")
            isolation = Isolation(owner, around.clock, handlers.counters)
            self._owned[number] = _Owned(owner, isolation, handlers.threads(owner))

    def take(self, connection: Connection, envelope: BaseMessage) -> None:
        """Have one envelope handled, here or there, or refuse it."""
        session = connection.session
        if connection.state is not State.ONLINE or session is None:
            connection.refuse(_NOT_LOGGED_IN, envelope.id)
            return
        problem = _problem(envelope, session.user)
        if problem is not None:
            connection.refuse(problem, envelope.id)
            return
        owned = self._owned.get(envelope.type)
        if owned is not None:
            self._run(connection, envelope, owned)
            return
        context = GatewayContext(connection, envelope.type, envelope.id, self._around.requests)
        custom = Custom(
            envelope.conversation,
            session.user,
            session.device,
            envelope.type,
            envelope.id,
            envelope.key or _derived_key(session.id, envelope.id),
            envelope.body,
        )
        context.submit(custom, _answered)

    def stop(self) -> None:
        """Cancel what runs."""
        for owned in self._owned.values():
            owned.isolation.stop()

    def _run(self, connection: Connection, envelope: BaseMessage, owned: _Owned) -> None:
        handler = owned.owner.handler
        if handler.needs_conversation and not envelope.conversation:
            connection.refuse(_CONVERSATION, envelope.id)
            return
        session = connection.session
        assert session is not None
        if owned.isolation.waiting_in(session.id) >= connection.limits.sends_in_flight:
            connection.refuse(TOO_MANY, envelope.id)  # or one client would take the places of all
            return
        try:
            body = unpack_as(handler.body, envelope.body)
        except UndecodableError as error:
            connection.refuse(Refused(Code.UNDECODABLE, str(error)), envelope.id)
            return
        around = self._around
        around.run(AppContext(connection, envelope, owned, around.requests, around.now_ms()), _isolated, body)


async def _isolated(context: AppContext, body: Message) -> None:
    """One lane a session: its frames are handled in order."""
    owned = context._owned
    await owned.isolation.run(context.session, lambda: _called(owned.owner, context, body), context.user)
    context.done()


async def _called(owner: Owner, context: AppContext, body: Message) -> None:
    outcome = owner.handler.handle(context, body)
    if inspect.isawaitable(outcome):
        outcome = await outcome
    if outcome is not None:
        raise TypeError(f"it returned {type(outcome).__name__}; answers go through the context")


def _problem(envelope: BaseMessage, user: str) -> Refused | None:
    if len(envelope.key) not in (0, KEY_BYTES):
        return _KEY
    return app_conversation_problem(envelope.conversation, user) if envelope.conversation else None


def _derived_key(session: str, request_id: int) -> bytes:
    """Without a key of the client's, a request is itself as long as its session lasts."""
    return blake2b(f"{session}~{request_id}".encode(), digest_size=KEY_BYTES).digest()


def _answered(context: GatewayContext, result: Result) -> None:
    if isinstance(result, CustomReply):
        frame = (
            pack_raw(result.type, result.body, context.request_id)
            if result.type
            else pack(Ok(), context.request_id)
        )
        context.reply_frame(frame)
    else:
        assert isinstance(result, Refused)
        context.refuse(result)
