"""A whole relay on a reactor, beside a server that is killed and comes back."""

import json
from typing import Any

from sqlalchemy import Engine, create_engine, make_url
from twisted.internet import reactor as any_reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from im.outbox import create_tables, push
from im.outbox.database import relay_engine
from im.outbox.notes import Kind, Note
from im.outbox.posting import Poster
from im.outbox.service import RelayService
from im.testing.services import ServerProcess
from im.testing.services.postgres import PostgresServer

reactor: Any = any_reactor


class Node(Resource):
    """Stores everything."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.events: list[object] = []

    def render_POST(self, request: Request) -> bytes:
        assert request.content is not None
        self.events.append(json.loads(request.content.read())["event"])
        return b'{"id": "0", "stored": 1, "unknown": []}'


class ServiceTests(TestCase):
    uses_processes = True
    timeout = 40

    def setUp(self) -> None:
        self.node = Node()
        self.port = reactor.listenTCP(0, Site(self.node), interface="127.0.0.1")
        self.addCleanup(self.port.stopListening)
        self.notes: list[Note] = []

    async def until(self, count: int) -> None:
        while len(self.node.events) < count:
            await deferLater(reactor, 0.01)

    async def live_through_a_kill(self, server: ServerProcess, url: str) -> None:
        """Deliver, lose the database, get it back, and deliver again."""
        engine, relays = create_engine(url), relay_engine(url)
        await deferToThread(create_tables, engine)
        poster = Poster(reactor, f"http://127.0.0.1:{self.port.getHost().port}", "imk_1")
        service = RelayService(reactor, relays, poster, tell=self.notes.append)
        running = Deferred.fromCoroutine(service.run())
        try:
            await deferToThread(_push, engine, 1)
            await self.until(1)
            await deferToThread(server.kill)
            while Kind.DATABASE not in [note.kind for note in self.notes]:
                await deferLater(reactor, 0.01)
            engine.dispose()
            await deferToThread(server.start)
            await deferToThread(_push, engine, 2)
            await self.until(2)
            self.assertEqual(self.node.events, [1, 2])
            self.assertEqual([note.kind for note in self.notes], [Kind.DATABASE, Kind.RECOVERED])
        finally:
            service.relay.stop()
            await running
            relays.dispose()
            engine.dispose()

    async def test_postgresql_may_be_killed(self) -> None:
        server = PostgresServer()
        server.is_durable = True
        self.addCleanup(deferToThread, server.stop)
        await deferToThread(server.start)
        url = make_url(server.url).set(drivername="postgresql+psycopg2")
        await self.live_through_a_kill(server, url.render_as_string(hide_password=False))


def _push(engine: Engine, event: object) -> None:
    with engine.begin() as connection:
        push(connection, "alice", event)
