"""The relay's way into a database: one connection, and no statement that waits for ever."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

_PATIENCE: Mapping[str, Mapping[str, Any]] = {
    "sqlite": {"timeout": 10.0},
    "psycopg2": {"connect_timeout": 5, "options": "-c statement_timeout=10000"},
    "psycopg": {"connect_timeout": 5, "options": "-c statement_timeout=10000"},
    "pymysql": {"connect_timeout": 5, "read_timeout": 10, "write_timeout": 10},
    "mysqldb": {"connect_timeout": 5, "read_timeout": 10, "write_timeout": 10},
}
"""By driver, or by database: seconds (PostgreSQL's statements: ms)."""


class DatabaseUrlError(ValueError):
    """No database can be meant by this."""


def relay_engine(text: str) -> Engine:
    """The engine of a database URL, as SQLAlchemy knows them. Raises `DatabaseUrlError`, `ImportError`."""
    try:
        url: URL = make_url(text)
        dialect = url.get_dialect()
    except (ArgumentError, NoSuchModuleError) as error:
        raise DatabaseUrlError(f"the database's URL is of no kind that SQLAlchemy knows: {error}") from error
    if dialect.is_async or (dialect.name == "sqlite" and url.database in (None, "", ":memory:")):
        raise DatabaseUrlError("the database must be one that others reach, by a driver that is not async")
    patience = _PATIENCE.get(dialect.driver) or _PATIENCE.get(dialect.name) or {}
    return create_engine(url, pool_size=1, max_overflow=0, connect_args=dict(patience))
