"""The outbox on the databases that it is made for: real servers."""

import json
import threading
from collections import defaultdict
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine, create_engine, inspect, make_url, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from twisted.trial.unittest import SynchronousTestCase

from im.outbox import InvalidPushError, create_tables, dead, metadata, push
from im.outbox.database import relay_engine
from im.outbox.request import REQUEST_BYTES
from im.outbox.rows import Buried, Claim, Done, PutOff, Rows
from im.outbox.tables import waiting
from im.outbox.verdict import REPEATABLE_MS
from im.testing.services import shared

NOW_MS = 1_800_000_000_000
LEASE_MS = 15_000


class _OutboxOnEngine:
    """What must work on every one of them."""

    engine: Engine

    def make_engine(self) -> Engine:
        """One for a database of the test's own."""
        raise NotImplementedError

    def setUp(self: Any) -> None:
        self.engine = self.make_engine()
        self.addCleanup(self.engine.dispose)
        create_tables(self.engine)
        relays = relay_engine(self.engine.url.render_as_string(hide_password=False))
        self.addCleanup(relays.dispose)
        self.rows, self.others = Rows(relays, "r1", LEASE_MS), Rows(relays, "r2", LEASE_MS)

    def push(self, users: str | list[str] = "alice", event: Any = None, **more: Any) -> str:
        with self.engine.begin() as connection:
            return push(connection, users, event, **more)

    def test_tables_are_made_where_they_are_missing(self: Any) -> None:
        create_tables(self.engine)
        with self.engine.begin() as connection:
            create_tables(connection)
        self.assertLessEqual(set(metadata.tables), set(inspect(self.engine).get_table_names()))

    def test_a_push_is_there_when_its_transaction_was_committed_and_not_before(self: Any) -> None:
        with self.engine.connect() as connection:
            key = push(connection, "alice", {"order": 7, "text": "bezahlt ✓ 𝄞"})
            connection.commit()
            push(connection, "alice", {"order": 8})
            connection.rollback()
        (claim,) = self.rows.claim(10, NOW_MS)
        self.assertEqual(claim.key, key)
        self.assertEqual(json.loads(claim.request), {"event": {"order": 7, "text": "bezahlt ✓ 𝄞"}})

    def test_an_orm_session_does_as_well(self: Any) -> None:
        with Session(self.engine) as session, session.begin():
            key = push(session, ["ü" * 64, "bob"], type=10_000, body=b"\0\xff")
        with Session(self.engine) as session:
            push(session, "carol", 1)
        (claim,) = self.rows.claim(10, NOW_MS)
        self.assertEqual((claim.key, json.loads(claim.users)), (key, ["ü" * 64, "bob"]))
        self.assertEqual(json.loads(claim.request), {"type": 10_000, "body": "AP8="})

    def test_what_is_refused_writes_nothing_and_spoils_no_transaction(self: Any) -> None:
        with self.engine.begin() as connection:
            self.assertRaises(InvalidPushError, push, connection, "a~b", 1)
            push(connection, "alice", 1)
        self.assertEqual(len(self.rows.claim(10, NOW_MS)), 1)

    def test_the_largest_push_fits(self: Any) -> None:
        users = [f"{number:05}{'漢' * 59}" for number in range(10_000)]
        self.push(users, "x" * 30_000)
        (claim,) = self.rows.claim(1, NOW_MS)
        self.assertEqual(json.loads(claim.users), users)
        self.assertLess(len(claim.users), REQUEST_BYTES)
        self.assertGreater(len(claim.users), REQUEST_BYTES * 0.8)

    def test_ids_ascend_also_when_the_table_was_empty(self: Any) -> None:
        ids = []
        for _ in range(3):
            self.push()
            (claim,) = self.rows.claim(1, NOW_MS)
            self.rows.settle([Done(claim.id)], [], NOW_MS)
            ids.append(claim.id)
        self.assertEqual(ids, sorted(set(ids)))

    def test_a_row_is_one_relay_s_until_it_lets_go_or_its_lease_ends(self: Any) -> None:
        self.push()
        (claim,) = self.rows.claim(1, NOW_MS)
        self.assertEqual((claim.attempts, claim.first_ms, claim.was_tried), (1, NOW_MS, False))
        self.assertEqual(self.others.claim(1, NOW_MS), [])
        self.rows.settle([], [claim.id], NOW_MS + LEASE_MS - 1)
        self.assertEqual(self.others.claim(1, NOW_MS + LEASE_MS), [])
        (taken,) = self.others.claim(1, NOW_MS + 2 * LEASE_MS)
        self.assertEqual((taken.attempts, taken.first_ms, taken.was_tried), (2, NOW_MS, True))
        self.rows.settle([Buried(claim.id, 400, "late"), PutOff(claim.id, 0, 0, 0, "late")], [], NOW_MS)
        self.assertEqual(dead.state(self.engine)[:2], (1, 0))
        self.others.settle([PutOff(claim.id, NOW_MS, 1, 0, "no\0 \ud800")], [], NOW_MS)
        (again,) = self.rows.claim(1, NOW_MS)
        self.assertEqual((again.attempts, again.first_ms), (2, NOW_MS))

    def test_dead_letters_are_listed_retried_and_dropped(self: Any) -> None:
        keys = [self.push(["alice", "bob", "carol", "dave"], number) for number in range(4)]
        for number in range(4):
            (claim,) = self.rows.claim(1, NOW_MS + number)
            self.rows.settle([Buried(claim.id, 400, f"no {number}" * 100)], [], NOW_MS + number)
        letters = dead.dead_letters(self.engine, 3)
        self.assertEqual([letter.key for letter in letters], keys[:0:-1])
        self.assertEqual((letters[0].users, letters[0].user_count), (("alice", "bob", "carol"), 4))
        self.assertEqual(
            (letters[0].status, letters[0].died_ms, len(letters[0].error)), (400, NOW_MS + 3, 300)
        )
        self.assertEqual(dead.retry(self.engine, [keys[1]], NOW_MS), 1)
        (claim,) = self.rows.claim(5, NOW_MS)
        self.assertEqual((claim.key, claim.attempts, claim.was_tried), (keys[1], 1, True))
        self.rows.settle([Done(claim.id)], [], NOW_MS)
        self.assertEqual(dead.retry(self.engine, None, NOW_MS + 2 * REPEATABLE_MS), 3)
        self.assertEqual(dead.state(self.engine)[:2], (3, 0))
        (claim,) = self.rows.claim(5, NOW_MS)
        self.assertEqual((claim.key, claim.was_tried), (keys[0], False))
        self.rows.settle([Buried(claim.id, 0, "")], [], NOW_MS)
        self.assertEqual([dead.drop(self.engine, chosen) for chosen in (["none"], None)], [0, 1])

    def test_a_key_stands_there_once(self: Any) -> None:
        self.push()
        row = select(*(column for column in waiting.c if column.name != "id"))
        doubled = waiting.insert().from_select([c.name for c in waiting.c if c.name != "id"], row)
        with self.engine.connect() as connection:
            self.assertRaises(IntegrityError, connection.execute, doubled)

    def test_relays_and_pushers_side_by_side_deliver_each_row_once_and_in_order(self: Any) -> None:
        delivered: list[Claim] = []
        relays = [threading.Thread(target=self.relay, args=(name, delivered)) for name in "abc"]
        pushers = [threading.Thread(target=self.push_some, args=(number,)) for number in range(2)]
        for each in (*pushers, *relays):
            each.start()
        for each in (*pushers, *relays):
            each.join(60)
            self.assertFalse(each.is_alive())
        events: dict[str, list[int]] = defaultdict(list)
        for claim in delivered:
            for user in json.loads(claim.users):
                events[user].append(json.loads(claim.request)["event"])
        self.assertEqual(sum(map(len, events.values())), 2 * ROUNDS * 2)
        for user, numbers in events.items():
            self.assertEqual(numbers, sorted(set(numbers)), user)

    def push_some(self, number: int) -> None:
        """Pushes of users that no other pusher has, one after the other."""
        for event in range(ROUNDS):
            self.push([f"{number}-{event % 3}", f"{number}-{event % 4}x"], event)

    def relay(self, name: str, delivered: list[Claim]) -> None:
        """Deliver until all is delivered."""
        rows = Rows(self.engine, name, LEASE_MS)
        while len(delivered) < 2 * ROUNDS:
            claims = rows.claim(3, NOW_MS)
            delivered += claims
            rows.settle([Done(claim.id) for claim in claims], [], NOW_MS)


ROUNDS = 30


class SqliteTests(_OutboxOnEngine, SynchronousTestCase):
    def make_engine(self) -> Engine:
        return create_engine(f"sqlite:///{self.mktemp()}", connect_args={"timeout": 30})


class _ServerTests(_OutboxOnEngine):
    uses_processes = True

    def make_engine(self: Any) -> Engine:
        """A new database of the server."""
        name = f"outbox_{uuid4().hex[:12]}"
        server = create_engine(self.server_url(), isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} {self.options}"))

        def drop() -> None:
            with server.connect() as connection:
                connection.execute(text(f"DROP DATABASE {name}"))
            server.dispose()

        self.addCleanup(drop)
        return create_engine(make_url(self.server_url()).set(database=name))


class PostgresTests(_ServerTests, SynchronousTestCase):
    options = ""

    def server_url(self) -> str:
        return make_url(shared("postgres")).set(drivername="postgresql+psycopg2").render_as_string(False)


class MariaDbTests(_ServerTests, SynchronousTestCase):
    options = "CHARACTER SET latin1"
    """The tables must not need the right one."""

    def server_url(self) -> str:
        return shared("mariadb")
