"""The local node's database file or a cluster's database, and what their errors mean to the user."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from im.cli.failures import failed, unreachable, usage
from im.ports import UnavailableError
from im.tap.url_files import url_of

DATABASE = "im.sqlite"
VARIABLE = "IM_DATABASE_URL"


def database_of(folder: Path) -> Path:
    """The database of the node of this state folder."""
    return folder / DATABASE


def cluster_database(text: str | None) -> str:
    """The URL of a cluster's database: as it stands, in a file, or in the environment."""
    url = url_of(text or os.environ.get(VARIABLE, ""))
    if not url.startswith("postgresql://"):
        raise usage(
            f"name the cluster's database, postgresql://USER@HOST/NAME or file:PATH, or set {VARIABLE}"
        )
    return url


@contextmanager
def sql() -> Iterator[None]:
    """Turns what the database refuses into a `Failure`."""
    from im.adapters.sql.sqlite import UnusableDatabaseError

    try:
        yield
    except UnusableDatabaseError as error:
        raise failed(str(error)) from error
    except UnavailableError as error:
        raise unreachable(str(error)) from error
