"""The migrations end where the tables stand, and ship with the package."""

from importlib.resources import files
from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.schema import SCHEMA_VERSION, upgrade
from im.adapters.sql.sqlite import MemoryDatabase
from im.adapters.sql.tables import metadata


class MigrationTests(SynchronousTestCase):
    def setUp(self) -> None:
        engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
        self.addCleanup(engine.dispose)
        self.connection = engine.connect()
        self.addCleanup(self.connection.close)

    def test_migrated_tables_are_the_metadata_s(self) -> None:
        upgrade(self.connection)
        context = MigrationContext.configure(self.connection)
        self.assertEqual([], compare_metadata(context, metadata))

    def test_migrated_tables_are_those_of_a_database_in_memory(self) -> None:
        upgrade(self.connection)
        query = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE '%alembic%' ORDER BY name"
        memory = MemoryDatabase()
        self.addCleanup(memory.close)
        made = [_plain(*row) for row in memory.connect_reader().execute(query)]
        self.assertEqual(made, [_plain(*row) for row in self.connection.execute(sa.text(query))])

    def test_upgrading_twice_is_upgrading_once(self) -> None:
        upgrade(self.connection)
        rows = self.connection.execute(sa.text("SELECT * FROM meta")).all()
        upgrade(self.connection)
        self.assertEqual(rows, self.connection.execute(sa.text("SELECT * FROM meta")).all())
        self.assertEqual([SCHEMA_VERSION], [row.schema_version for row in rows])

    def test_the_version_counts_the_revisions(self) -> None:
        folder = files("im.adapters.sql").joinpath("migrations")
        assert isinstance(folder, Path)
        self.assertEqual(SCHEMA_VERSION, len(list(ScriptDirectory(folder).walk_revisions())))
        self.assertTrue(folder.joinpath("script.py.mako").is_file())


def _plain(name: str, text: str | None) -> tuple[str, str]:
    """A table's text without spaces, for the two ways lay it out differently."""
    return name, "".join((text or "").split())
