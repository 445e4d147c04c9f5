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

_OURS = "pragma_table_list AS tables WHERE tables.name NOT LIKE '%alembic%'"
_COLUMNS = _OURS.replace(" WHERE", ", pragma_table_xinfo(tables.name) AS each WHERE")
_INDEXES = _OURS.replace(
    " WHERE", ", pragma_index_list(tables.name) AS each, pragma_index_info(each.name) AS columns WHERE"
)
_LAYOUT = (
    f"SELECT name, ncol, wr FROM {_OURS} ORDER BY name",
    f'SELECT tables.name, cid, each.name, each.type, "notnull", dflt_value, pk FROM {_COLUMNS} ORDER BY 1, 2',
    f'SELECT tables.name, each.name, "unique", columns.seqno, columns.name FROM {_INDEXES} ORDER BY 1, 2, 4',
)
"""Tables with or without rowid, their columns, their indexes."""


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
        memory = MemoryDatabase()
        self.addCleanup(memory.close)
        for query in _LAYOUT:
            made = memory.connect_reader().execute(query).fetchall()
            self.assertGreater(len(made), 5)
            self.assertEqual(made, [tuple(row) for row in self.connection.execute(sa.text(query))])

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
