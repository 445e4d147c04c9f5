"""The local node's database file, and what its errors mean to the user."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from im.cli.failures import failed

DATABASE = "im.sqlite"


def database_of(folder: Path) -> Path:
    """The database of the node of this state folder."""
    return folder / DATABASE


@contextmanager
def sql() -> Iterator[None]:
    """Turns what the database refuses into a `Failure`."""
    from im.adapters.sql.sqlite import UnusableDatabaseError

    try:
        yield
    except UnusableDatabaseError as error:
        raise failed(str(error)) from error
