"""Brings a database to this program's version of the tables, or says why it can't.

`meta.schema_version` is the version of the tables, `meta.compatible_version` the oldest program
version that still works with them. Alembic is imported only where something is to be done.
"""

from sqlalchemy.engine import Connection

SCHEMA_VERSION = 15
"""The version of the tables that this program makes."""


class UnusableDatabaseError(Exception):
    """The database can't be used; the text is one sentence for operators, with the way out."""


def check_version(name: str, schema_version: int, compatible_version: int) -> None:
    """Raise `UnusableDatabaseError` if the database asks for a newer program than this."""
    if compatible_version > SCHEMA_VERSION:
        raise UnusableDatabaseError(
            f"{name} has tables of version {schema_version}, made by a newer im-gateway (this one knows"
            f" version {SCHEMA_VERSION}): start that newer one, or restore a backup from before it"
        )


def upgrade(connection: Connection, partitions: int = 1, version: str = "head") -> None:
    """Run every missing revision inside the connection's transaction.

    On PostgreSQL the first one splits the messages into so many `partitions`.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "im.adapters.sql:migrations")
    config.attributes["connection"] = connection
    config.attributes["partitions"] = partitions
    command.upgrade(config, version)
