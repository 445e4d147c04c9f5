"""What PostgreSQL refuses is told in one sentence, without a password."""

from pathlib import Path

import psycopg2
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.postgres import PostgresDatabase, migrate
from im.adapters.sql.schema import UnusableDatabaseError
from im.ports import UnavailableError
from im.testing.services.postgres import PostgresServer

SECRET = "hunter2"


class GuardedServer(PostgresServer):
    """Asks the user `guarded` for a password."""

    def prepare(self) -> None:
        """See `ServerProcess`."""
        super().prepare()
        access: Path = self.folder / "data" / "pg_hba.conf"
        access.write_text("host all guarded 127.0.0.1/32 scram-sha-256\n" + access.read_text())


class RefusalTests(SynchronousTestCase):
    uses_processes = True

    def setUp(self) -> None:
        self.server = GuardedServer()
        self.addCleanup(self.server.stop)
        self.server.start()
        connection = psycopg2.connect(self.server.url)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE USER guarded PASSWORD %s", (SECRET,))
        connection.close()

    def told(self, *, password: str = SECRET, port: int = 0, name: str = "im") -> str:
        """What an operator reads who names the database so."""
        url = f"postgresql://guarded:{password}@127.0.0.1:{port or self.server.port}/{name}"
        with self.assertRaises((UnavailableError, UnusableDatabaseError)) as caught:
            PostgresDatabase(url).require()
        text = str(caught.exception)
        self.assertEqual(text.count("\n"), 0)
        self.assertNotIn(password, text)
        self.assertTrue(text.startswith("PostgreSQL at 127.0.0.1:"), text)
        return text

    def test_a_wrong_url_password_or_permission_is_one_sentence(self) -> None:
        self.assertIn("has no tables yet", self.told())
        self.assertIn('password authentication failed for user "guarded"', self.told(password="wrong"))
        self.assertIn('database "nowhere" does not exist', self.told(name="nowhere"))
        self.assertIn("Connection refused", self.told(port=1))
        migrate(self.server.url)
        self.assertIn("permission denied for table meta", self.told())
