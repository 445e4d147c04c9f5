"""A PostgreSQL database as the store sees it: where connections come from, and what is wrong with it."""

import psycopg2
import psycopg2.extensions

from im.adapters.sql.postgres.connection import PostgresConnection
from im.adapters.sql.schema import SCHEMA_VERSION, UnusableDatabaseError, check_version
from im.ports import UnavailableError

OLDEST_VERSION = 130_000

_CONNECT_SECONDS = 5
_DEAD_MS = 10_000

_SETTINGS = {
    "statement_timeout": "10000",
    "lock_timeout": "3000",
    "idle_in_transaction_session_timeout": "5000",
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    # Joins go in the order in which they are written, each by an index, whatever the statistics say.
    "join_collapse_limit": "1",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    "timezone": "UTC",
}
_DURABLE = (
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
)
_HAS_TABLES = "SELECT to_regclass('meta')"
_VERSIONS = "SELECT schema_version, compatible_version FROM meta"


class PostgresDatabase:
    """Where a store gets its connections. `url` as libpq reads it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.place = place_of(url)

    def connect(self) -> PostgresConnection:
        """Another connection. Raises `UnavailableError` in a sentence for operators. Blocks."""
        options = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
        try:
            raw = psycopg2.connect(
                self._url,
                options=options,
                connect_timeout=_CONNECT_SECONDS,
                tcp_user_timeout=_DEAD_MS,
                keepalives_idle=_CONNECT_SECONDS,
                client_encoding="UTF8",
                application_name="im",
            )
            raw.autocommit = True
            connection = PostgresConnection(raw)
            connection.run(_DURABLE)
        except psycopg2.Error as error:
            raise UnavailableError(f"{self.place} can't be used: {sentence(error)}") from error
        return connection

    def check(self) -> int:
        """The version of the tables, 0 for none. Blocks.

        Raises `UnusableDatabaseError` if it is too new or the server too old, `UnavailableError` if
        it can't be asked.
        """
        connection = self.connect()
        try:
            (number,) = connection.run("SELECT current_setting('server_version_num')::int").fetchone()
            if number < OLDEST_VERSION:
                raise UnusableDatabaseError(
                    f"{self.place} is PostgreSQL {number // 10_000}; it must be {OLDEST_VERSION // 10_000}"
                    " or newer"
                )
            if connection.run(_HAS_TABLES).fetchone() == (None,):
                return 0
            schema_version, compatible_version = connection.run(_VERSIONS).fetchone()
        except psycopg2.Error as error:
            raise UnavailableError(f"{self.place} can't be used: {sentence(error)}") from error
        finally:
            connection.close()
        check_version(self.place, schema_version, compatible_version)
        return int(schema_version)

    def require(self) -> None:
        """Raise `UnusableDatabaseError` unless the tables are ready for this program. Blocks."""
        version = self.check()
        if version < SCHEMA_VERSION:
            tables = f"tables of version {version}" if version else "no tables yet"
            raise UnusableDatabaseError(
                f"{self.place} has {tables}, and this im-gateway needs version {SCHEMA_VERSION}:"
                " run imctl migrate --database URL"
            )


def place_of(url: str) -> str:
    """The database for messages: never with a password."""
    try:
        parts = psycopg2.extensions.parse_dsn(url)
    except psycopg2.Error:
        return "PostgreSQL (a URL that can't be read)"
    host, port = parts.get("host", "the local socket"), parts.get("port", "5432")
    return f"PostgreSQL at {host}:{port}/{parts.get('dbname', '')}"


def sentence(error: BaseException) -> str:
    """What the server or the driver said, in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return "the connection is lost"
    return lines[0].rsplit("FATAL:", 1)[-1].rsplit("ERROR:", 1)[-1].strip()
