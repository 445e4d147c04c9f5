"""The commands for the database of a cluster."""

import io
import json
import os
from pathlib import Path
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.policy import StorePolicy
from im.adapters.sql.runners import inline_runners
from im.adapters.sql.schema import SCHEMA_VERSION
from im.adapters.sql.sqlite import FileDatabase, SqliteStore
from im.cli.main import run
from im.core.limits import Limits
from im.testing.contracts.store import a_send
from im.testing.services import shared
from im.testing.services.scratch import create, drop


class ClusterDatabaseTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.url = create(shared("postgres"))
        self.addCleanup(drop, self.url)

    def imctl(self, *argv: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        status = run(argv, out, err)
        return status, out.getvalue(), err.getvalue()

    def test_migrate_makes_the_tables_and_check_says_whether_it_is_to_be_done(self) -> None:
        status, out, err = self.imctl("migrate", "--check", "--database", self.url)
        self.assertEqual((1, "", 1), (status, out, err.count("\n")))
        self.assertIn("there are no tables", err)
        status, out, err = self.imctl("migrate", "--partitions", "2", "--json", "--database", self.url)
        self.assertEqual((0, ""), (status, err))
        self.assertEqual({"version": SCHEMA_VERSION, "needs": SCHEMA_VERSION}, json.loads(out))
        self.assertEqual(0, self.imctl("migrate", "--check", "--database", self.url)[0])

    def test_an_epoch_is_renewed(self) -> None:
        status, _, err = self.imctl("epoch", "renew", "--database", self.url)
        self.assertEqual(1, status)
        self.assertIn("run imctl migrate", err)
        self.imctl("migrate", "--partitions", "1", "--database", self.url)
        self.assertEqual((0, ""), self.imctl("epoch", "renew", "--database", self.url)[::2])

    def test_a_node_is_copied(self) -> None:
        path = Path(self.mktemp()).resolve()
        database = FileDatabase(path)
        database.open()
        store = SqliteStore(database, inline_runners(), lambda: 1_000, StorePolicy(Limits(), True), self.fail)
        self.successResultOf(store.write([a_send(1)]))
        database.close()
        self.imctl("migrate", "--partitions", "1", "--database", self.url)
        status, out, err = self.imctl("copy", "--from", f"sqlite:///{path}", "--to", self.url, "--json")
        self.assertEqual((0, ""), (status, err))
        rows = {each["table"]: each["rows"] for each in map(json.loads, out.splitlines())}
        self.assertEqual((1, 2), (rows["message"], rows["member"]))
        status, _, err = self.imctl("copy", "--from", f"sqlite:///{path}", "--to", self.url)
        self.assertEqual(1, status)
        self.assertIn("is not empty", err)

    def test_the_url_may_stand_in_a_file_or_the_environment(self) -> None:
        path = Path(self.mktemp())
        path.write_text(f"{self.url}\n")
        self.assertEqual(1, self.imctl("migrate", "--check", "--database", f"file:{path}")[0])
        with patch.dict(os.environ, IM_DATABASE_URL=self.url):
            self.assertEqual(1, self.imctl("migrate", "--check")[0])

    def test_what_is_no_such_url_is_told(self) -> None:
        with patch.dict(os.environ):
            os.environ.pop("IM_DATABASE_URL", None)
            self.assertEqual(2, self.imctl("migrate")[0])
        self.assertEqual(2, self.imctl("epoch", "renew", "--database", "mysql://x")[0])
        self.assertEqual(2, self.imctl("copy", "--from", "im.sqlite", "--to", self.url)[0])

    def test_a_server_that_is_away_is_told(self) -> None:
        status, out, err = self.imctl("migrate", "--database", "postgresql://im@127.0.0.1:1/im")
        self.assertEqual((3, "", 1), (status, out, err.count("\n")), err)
        self.assertIn("PostgreSQL at 127.0.0.1:1/im can't be used", err)
