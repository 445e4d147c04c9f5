"""A node's own side of the registry: its lease, its sessions, its audiences, under one generation.

Everything goes through one pipelined connection, numbered. A write that fails, or is refused by the
guard in `scripts`, makes the node doubt; until it has established itself anew nothing is written.
"""

import json
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from im.adapters.redis import scripts
from im.adapters.redis.connection import RedisConnection
from im.adapters.redis.layout import VERSION, Keys, address, check_layout, packed, unpacked
from im.ports import Session, UnavailableError

LEASE_MS = 6_000
RENEW_SECONDS = 2.0
_AT_ONCE = 200
_EPOCH_BYTES = 8

_DETACHED = "the node establishes itself anew"


class About(NamedTuple):
    """What a node tells others of itself. `addresses` are those for clients, by kind of transport."""

    addresses: tuple[str, ...] = ()
    websocket: str = ""
    http: str = ""
    version: str = ""
    sessions: int = 0
    capacity: int = 0
    state: str = "up"


class Watch(NamedTuple):
    """Whom a registration tells: that something is in doubt, and which workers live."""

    doubt: Callable[[str], None]
    workers: Callable[[Sequence[str]], None]


class _Pending(NamedTuple):
    """What an establishment has yet to write: whatever ends meanwhile must not come back by it."""

    sessions: dict[str, Session]
    audiences: dict[str, None]


class Registration:
    """One node in the registry, from `establish` to `close`."""

    def __init__(
        self,
        connection: RedisConnection,
        keys: Keys,
        node: str,
        about: Callable[[], About],
        watch: Watch,
        clock: IReactorTime,
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._node = node
        self._about = about
        self._watch = watch
        self._clock = clock
        self._generation = ""
        self._epoch = ""
        self._op = 0
        self._pending = _Pending({}, {})
        self._renewal: IDelayedCall | None = None

    @property
    def epoch(self) -> str:
        """The registry's epoch that this node knows; "" before the first."""
        return self._epoch

    def establish(
        self, generation: str, sessions: Sequence[Session], audiences: Sequence[str]
    ) -> "Deferred[list[Session]]":
        """Begin a generation: the lease, then all sessions and audiences.

        Fires with the sessions that newer logins of their devices displaced meanwhile.
        """
        self._detach()
        entered = {each.id: each._replace(generation=generation) for each in sessions}
        self._pending = _Pending(entered, dict.fromkeys(audiences))
        return Deferred.fromCoroutine(self._establish(generation, self._pending))

    async def _establish(self, generation: str, pending: _Pending) -> list[Session]:
        keys = self._keys
        places = [keys.lease(self._node), keys.epoch, keys.layout, keys.nodes]
        candidate = secrets.token_hex(_EPOCH_BYTES)
        about = json.dumps(self._about())
        answer = await self._connection.call(
            scripts.ESTABLISH, places, [generation, "", candidate, about, VERSION, str(LEASE_MS), self._node]
        )
        word, value = answer
        if word == b"layout":
            check_layout(keys, value)
        self._check_pending(pending)
        self._generation, self._epoch, self._op = generation, value.decode(), 0
        displaced = await self._enter(pending)
        while pending.audiences:
            page = list(islice(pending.audiences, _AT_ONCE))
            for audience in page:
                del pending.audiences[audience]
            await self._ask_audiences(scripts.JOIN, page)
            self._check_pending(pending)
        self._renew_later()
        return displaced

    async def _enter(self, pending: _Pending) -> list[Session]:
        displaced = []
        while pending.sessions:
            page = [pending.sessions.pop(each) for each in list(islice(pending.sessions, _AT_ONCE))]
            users = [self._keys.user(each.user) for each in page]
            answer = await self._write(
                scripts.ENTER, users, [self._keys.lease_prefix, *(packed(each) for each in page)]
            )
            self._check_pending(pending)
            displaced += [page[int(number)] for number in answer]
        return displaced

    def _check_pending(self, pending: _Pending) -> None:
        """Give an establishment up that a doubt, a later one or the end has overtaken."""
        if pending is not self._pending:
            raise UnavailableError(_DETACHED)

    def register(self, session: Session) -> "Deferred[list[Session]]":
        """See `ISessionRegistry.register`."""
        if self._generation:
            self._pending.sessions.pop(session.id, None)
        session = session._replace(generation=self._generation)
        arguments = [self._keys.lease_prefix, packed(session), str(session.fence), session.device, session.id]
        written = self._write(scripts.REGISTER, [self._keys.user(session.user)], arguments)
        return written.addCallback(
            lambda answer: [each for value in answer for each in unpacked(session.user, value)]
        )

    def unregister(self, session: Session) -> "Deferred[None]":
        """See `ISessionRegistry.unregister`. While the node is detached there is nothing to remove."""
        self._pending.sessions.pop(session.id, None)
        if not self._generation:
            return succeed(None)
        arguments = [self._keys.lease_prefix, session.id, str(session.fence)]
        written = self._write(scripts.UNREGISTER, [self._keys.user(session.user)], arguments)
        return written.addCallback(lambda _: None)

    def join(self, audiences: Iterable[str]) -> "Deferred[None]":
        """Hold audiences from now on; fires when it is so.

        Before the lease of an establishment is there it fails, and the establishment holds them.
        """
        joined = list(audiences)
        if not self._generation:
            self._pending.audiences.update(dict.fromkeys(joined))
        return self._ask_audiences(scripts.JOIN, joined)

    def leave(self, audiences: Iterable[str]) -> "Deferred[None]":
        """Hold audiences no more."""
        left = list(audiences)
        for audience in left:
            self._pending.audiences.pop(audience, None)
        if not self._generation:
            return succeed(None)
        return self._ask_audiences(scripts.LEAVE, left)

    def renew(self) -> None:
        """Say at once how the node is, not only with the next beat."""
        if self._renewal is not None:
            self._renewal.reset(0)

    async def close(self) -> None:
        """Give the lease up: clients and workers look elsewhere from now on. It would end by itself, too."""
        generation = self._generation
        self._detach()
        if generation:
            with suppress(UnavailableError):
                await self._connection.call(scripts.END, [self._keys.lease(self._node)], [generation])

    def _ask_audiences(self, script: str, audiences: Sequence[str]) -> "Deferred[None]":
        held = [self._keys.audience(each) for each in audiences]
        written = self._write(script, held, [address(self._node, self._generation)])
        return written.addCallback(lambda _: None)

    def _write(self, script: str, keys: Sequence[str], arguments: Sequence[str]) -> "Deferred[list[Any]]":
        if not self._generation:
            return fail(UnavailableError(_DETACHED))
        self._op += 1
        own = [self._keys.lease(self._node), self._keys.epoch]
        stamp = [self._generation, str(self._op), self._epoch]
        called = self._connection.call(script, [*own, *keys], [*stamp, *arguments])
        generation = self._generation
        return called.addCallbacks(
            self._written, self._not_written, callbackArgs=(generation,), errbackArgs=(generation,)
        )

    def _written(self, answer: list[Any], generation: str) -> list[Any]:
        word, *values = answer
        if word == b"ok":
            return values
        reason = values[0].decode()
        self._doubt(reason, generation)
        raise UnavailableError(reason)

    def _not_written(self, failure: Failure, generation: str) -> Failure:
        self._doubt(failure.getErrorMessage(), generation)
        return failure

    def _doubt(self, reason: str, generation: str) -> None:
        if generation == self._generation:
            self._detach()
            self._watch.doubt(reason)

    def _detach(self) -> None:
        self._generation = ""
        self._pending = _Pending({}, {})
        if self._renewal is not None:
            self._renewal.cancel()
            self._renewal = None

    def _renew_later(self) -> None:
        self._renewal = self._clock.callLater(RENEW_SECONDS, self._renew)

    def _renew(self) -> None:
        self._renew_later()
        keys, generation = self._keys, self._generation
        arguments = [generation, str(self._op), self._epoch, json.dumps(self._about()), str(LEASE_MS)]
        places = [keys.lease(self._node), keys.epoch, keys.workers]
        called = self._connection.call(scripts.RENEW, places, arguments)
        called.addCallback(self._written, generation)
        called.addCallbacks(self._renewed, self._not_renewed, errbackArgs=(generation,))

    def _renewed(self, workers: list[bytes]) -> None:
        self._watch.workers([each.decode() for each in workers])

    def _not_renewed(self, failure: Failure, generation: str) -> None:
        failure.trap(UnavailableError)
        self._doubt(failure.getErrorMessage(), generation)
