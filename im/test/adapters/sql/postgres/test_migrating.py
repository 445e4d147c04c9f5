"""Tables of a cluster: made once, whoever begins; used side by side by programs that can."""

import threading
from unittest import mock

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql import schema
from im.adapters.sql.postgres import PostgresDatabase, database, migrate, migrating
from im.adapters.sql.schema import SCHEMA_VERSION, UnusableDatabaseError, upgrade
from im.adapters.sql.tables import metadata
from im.ports import UnavailableError
from im.test.adapters.sql.postgres.support import PostgresTestCase, execute
from im.testing.contracts.store import a_send
from im.testing.services import shared
from im.testing.services.scratch import create, drop

BEFORE = f"{SCHEMA_VERSION - 1:04}"


class EmptyCase(SynchronousTestCase):
    """A database without tables."""

    def setUp(self) -> None:
        self.url = create(shared("postgres"))
        self.addCleanup(drop, self.url)

    def engine(self) -> sa.Engine:
        engine = sa.create_engine(migrating.driver_url(self.url), poolclass=sa.NullPool)
        self.addCleanup(engine.dispose)
        return engine


class MigrationTests(EmptyCase):
    def test_migrated_tables_are_the_metadata_s(self) -> None:
        self.assertEqual(0, migrate(self.url, 3))
        with self.engine().connect() as connection:
            changes = compare_metadata(MigrationContext.configure(connection), metadata)
        partitions = {f"message_{number}" for number in range(3)}
        self.assertEqual(
            [], [each for each in changes if each[0] != "remove_table" or each[1].name not in partitions]
        )
        made = execute(self.url, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'message'::regclass")
        self.assertEqual([(3,)], made)

    def test_all_texts_are_compared_as_bytes(self) -> None:
        migrate(self.url, 1)
        others = execute(
            self.url,
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type = 'text' AND table_name <> 'alembic_version'"
            " AND collation_name IS DISTINCT FROM 'C'",
        )
        self.assertEqual([], others)

    def test_two_that_migrate_at_once_make_the_tables_once(self) -> None:
        befores: list[int] = []
        threads = [threading.Thread(target=lambda: befores.append(migrate(self.url, 1))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual([0, SCHEMA_VERSION], sorted(befores))

    def test_tables_that_are_too_old_are_not_used(self) -> None:
        with self.engine().begin() as connection:
            upgrade(connection, 2, BEFORE)
        error = self.assertRaises(UnusableDatabaseError, PostgresDatabase(self.url).require)
        self.assertIn("run imctl migrate", str(error))
        self.assertEqual(SCHEMA_VERSION - 1, migrate(self.url))
        PostgresDatabase(self.url).require()

    def test_no_tables_are_told(self) -> None:
        self.assertEqual(0, PostgresDatabase(self.url).check())
        error = self.assertRaises(UnusableDatabaseError, PostgresDatabase(self.url).require)
        self.assertIn("no tables yet", str(error))

    def test_partitions_have_bounds(self) -> None:
        for partitions in (0, 65):
            self.assertRaises(UnusableDatabaseError, migrate, self.url, partitions)


class VersionTests(PostgresTestCase):
    def test_the_program_before_goes_on_beside_this_one(self) -> None:
        store = self.make_store()
        with mock.patch.object(schema, "SCHEMA_VERSION", SCHEMA_VERSION - 1):
            with mock.patch.object(database, "SCHEMA_VERSION", SCHEMA_VERSION - 1):
                PostgresDatabase(self.url).require()
                old = self.claim(store, 0, "old")
                self.write(old, a_send(1))
        self.write(self.claim(store, 0, "new"), a_send(2))
        self.assertEqual([(2,)], execute(self.url, "SELECT last_seq FROM conversation"))

    def test_tables_of_a_newer_program_that_does_not_suffer_this_one_are_refused(self) -> None:
        execute(self.url, "UPDATE meta SET schema_version = 1000, compatible_version = 999")
        self.addCleanup(
            execute, self.url, f"UPDATE meta SET schema_version = {SCHEMA_VERSION}, compatible_version = 8"
        )
        error = self.assertRaises(UnusableDatabaseError, PostgresDatabase(self.url).require)
        self.assertIn("made by a newer im-gateway", str(error))

    def test_an_old_server_is_refused(self) -> None:
        with mock.patch.object(database, "OLDEST_VERSION", 990_000):
            error = self.assertRaises(UnusableDatabaseError, PostgresDatabase(self.url).check)
        self.assertIn("it must be 99 or newer", str(error))


class ProblemTests(PostgresTestCase):
    """What keeps a database from being used, in one sentence without a password."""

    def assert_told(self, url: str, mention: str) -> None:
        error = self.assertRaises(UnavailableError, PostgresDatabase(url).check)
        text = str(error)
        self.assertIn(mention, text)
        self.assertNotIn("s3cret", text)
        self.assertNotIn("\n", text)
        self.assertRaises(UnavailableError, migrate, url)

    def test_nobody_there(self) -> None:
        self.assert_told("postgresql://im:s3cret@127.0.0.1:1/im", "Connection refused")

    def test_no_such_database(self) -> None:
        self.assert_told(self.url.rsplit("/", 1)[0] + "/nowhere", 'database "nowhere" does not exist')

    def test_no_such_user(self) -> None:
        self.assert_told(self.url.replace("im@", "nobody:s3cret@"), 'role "nobody" does not exist')

    def test_no_such_url(self) -> None:
        self.assert_told("postgresql://im:s3cret@127.0.0.1:none/im", "can't be used")

    def test_no_permission(self) -> None:
        execute(self.url, "DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN")
        url = self.url.replace("im@", "guest@")
        self.addCleanup(execute, self.url, "DROP ROLE guest")
        error = self.assertRaises(UnavailableError, PostgresDatabase(url).require)
        self.assertIn("permission denied for table meta", str(error))
