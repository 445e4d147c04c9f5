"""Several nodes and a worker on one real Redis, each with a connection of its own."""

import itertools
import os
from collections.abc import Iterable, Mapping, Sequence

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from im.adapters.redis.connection import RedisConnection, place_of
from im.adapters.redis.directory import Directory
from im.adapters.redis.layout import Keys
from im.adapters.redis.registration import About, Registration, Watch
from im.ports import ISessionRegistry, Session
from im.testing.services import shared

_numbers = itertools.count(1)


class RedisNode:
    """A node's registration, and what it was told."""

    def __init__(self, name: str, keys: Keys, connection: RedisConnection) -> None:
        assert IReactorTime.providedBy(reactor)
        self.doubts: list[str] = []
        self.workers: list[Sequence[str]] = []
        self.about = About(version="1")
        self.connection = connection
        watch = Watch(self.doubts.append, self.workers.append)
        self.registration = Registration(connection, keys, name, lambda: self.about, watch, reactor)


class RedisCase(TestCase):
    """Keys of its own on the test run's Redis."""

    uses_processes = True

    def setUp(self) -> None:
        self.url = shared("redis")
        self.prefix = f"im-test-{os.getpid()}-{next(_numbers)}"
        self.keys = Keys(self.prefix)
        self.admin = self.connect()

    def connect(self) -> RedisConnection:
        assert IReactorTime.providedBy(reactor)
        connection = RedisConnection(place_of(self.url), reactor)
        self.addCleanup(connection.close)
        return connection

    async def node(self, name: str, generation: str = "g1", sessions: Sequence[Session] = ()) -> RedisNode:
        """A node that has established itself."""
        node = RedisNode(name, self.keys, self.connect())
        self.addCleanup(lambda: Deferred.fromCoroutine(node.registration.close()))
        await node.registration.establish(generation, sessions, ())
        return node

    def directory(self, worker: str = "") -> Directory:
        assert IReactorTime.providedBy(reactor)
        directory = Directory(self.connect(), self.keys, worker, reactor)
        self.addCleanup(directory.stop)
        return directory

    async def forget(self, *keys: str) -> None:
        """Let Redis lose some keys."""
        for key in keys:
            await self.admin.call("return redis.call('DEL', KEYS[1])", [key], [])


@implementer(ISessionRegistry)
class ManyNodes:
    """The registry of several nodes as if it were one, under plain names."""

    def __init__(self, nodes: Mapping[str, RedisNode], directory: Directory) -> None:
        self._nodes = nodes
        self._directory = directory

    def register(self, session: Session) -> "Deferred[list[Session]]":
        return self._nodes[session.node].registration.register(session)

    def unregister(self, session: Session) -> "Deferred[None]":
        return self._nodes[session.node].registration.unregister(session)

    def locate(self, users: Iterable[str]) -> "Deferred[Mapping[str, Sequence[str]]]":
        located = self._directory.locate(users)
        return located.addCallback(lambda found: {key.partition("~")[0]: found[key] for key in found})

    def sessions(self, user: str | None) -> "Deferred[list[Session]]":
        return self._directory.sessions(user)

    def join(self, node: str, audiences: Iterable[str]) -> "Deferred[None]":
        return self._nodes[node].registration.join(audiences)

    def leave(self, node: str, audiences: Iterable[str]) -> "Deferred[None]":
        return self._nodes[node].registration.leave(audiences)

    def holding(self, audiences: Iterable[str]) -> "Deferred[Mapping[str, Sequence[str]]]":
        held = self._directory.audiences(audiences)
        return held.addCallback(lambda found: {key.partition("~")[0]: found[key] for key in found})
