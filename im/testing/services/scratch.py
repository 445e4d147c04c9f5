"""A database of a test's own on the test run's PostgreSQL, made from a template in no time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

from sqlalchemy import Connection, NullPool, create_engine, make_url, text

_ONE_AT_A_TIME = 7_316_041
"""The advisory lock under which templates are made: two processes may want the same one."""


def template(server: str, name: str, fill: Callable[[str], None]) -> str:
    """Make a database to be copied, once a server; returns `name`. Blocks.

    `fill` gets its URL, and must leave no connection to it; if it fails, the next call begins anew.
    Name it by what it holds: another content needs another name.
    """
    with _administering(server) as connection:
        connection.execute(text(f"SELECT pg_advisory_lock({_ONE_AT_A_TIME})"))
        wanted = {"name": name}
        if connection.execute(text("SELECT 1 FROM pg_database WHERE datname = :name"), wanted).first():
            return name
        unfinished = create(server)
        try:
            fill(unfinished)
            half_made = make_url(unfinished).database
            connection.execute(text(f'ALTER DATABASE "{half_made}" RENAME TO "{name}"'))
        except BaseException:
            drop(unfinished)
            raise
    return name


def create(server: str, template: str = "template1") -> str:
    """Make a database, of a new name; returns its URL. Blocks."""
    name = f"scratch_{uuid4().hex[:16]}"
    with _administering(server) as connection:
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY'))
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def drop(url: str) -> None:
    """Remove a database, with whoever is connected to it. Blocks. Idempotent."""
    with _administering(make_url(url).set(database="im").render_as_string(hide_password=False)) as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)'))


@contextmanager
def _administering(server: str) -> Iterator[Connection]:
    url = make_url(server).set(drivername="postgresql+psycopg2")
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        yield connection
