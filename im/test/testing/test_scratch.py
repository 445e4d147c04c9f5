"""Databases of a test's own."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import NullPool, create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from twisted.trial.unittest import SynchronousTestCase

from im.testing.services import scratch, shared


def ask(url: str, *statements: str) -> Sequence[Any]:
    """The rows that the last of some statements answers with."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg2"), poolclass=NullPool)
    with engine.begin() as connection:
        for statement in statements[:-1]:
            connection.execute(text(statement))
        return connection.execute(text(statements[-1])).all()


class ScratchTests(SynchronousTestCase):
    uses_processes = True

    def setUp(self) -> None:
        self.server = shared("postgres")
        self.name = f"template_{uuid4().hex[:12]}"
        self.filled: list[str] = []
        self.addCleanup(scratch.drop, make_url(self.server).set(database=self.name).render_as_string(False))

    def fill(self, url: str) -> None:
        self.filled.append(url)
        ask(url, "CREATE TABLE held (number int)", "INSERT INTO held VALUES (7) RETURNING number")

    def copy(self) -> str:
        url = scratch.create(self.server, scratch.template(self.server, self.name, self.fill))
        self.addCleanup(scratch.drop, url)
        return url

    def test_each_has_what_the_template_has_and_nothing_of_the_others(self) -> None:
        one, other = self.copy(), self.copy()
        ask(one, "DELETE FROM held RETURNING number")
        self.assertEqual([tuple(row) for row in ask(other, "SELECT number FROM held")], [(7,)])
        self.assertEqual(len(self.filled), 1)

    def test_a_template_that_could_not_be_filled_is_made_anew(self) -> None:
        def fail(url: str) -> None:
            self.filled.append(url)
            raise ZeroDivisionError

        with self.assertRaises(ZeroDivisionError):
            scratch.template(self.server, self.name, fail)
        with self.assertRaises(OperationalError):
            ask(self.filled[0], "SELECT 1")
        self.assertEqual(len(ask(self.copy(), "SELECT number FROM held")), 1)

    def test_one_is_dropped_with_its_connections(self) -> None:
        url = self.copy()
        engine = create_engine(make_url(url).set(drivername="postgresql+psycopg2"))
        self.addCleanup(engine.dispose)
        connection = engine.connect()
        self.addCleanup(connection.invalidate)
        scratch.drop(url)
        scratch.drop(url)
        with self.assertRaises(OperationalError):
            ask(url, "SELECT 1")
