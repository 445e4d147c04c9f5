"""What was stored, for those who tell users who are away."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the table. Programs of version 8 may go on: what they store meanwhile is told to nobody."""
    op.create_table(
        "unreached",
        sa.Column("consumer", sa.Text, nullable=False),
        sa.Column("batch", _big, nullable=False),
        sa.Column("time_ms", _big, nullable=False, server_default="0"),
        sa.Column("entries", sa.Text, nullable=False),
        sa.Column("entry", _big, nullable=False, server_default="0"),
        sa.Column("after_user", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("consumer", "batch"),
        sqlite_with_rowid=False,
    )
    op.execute("UPDATE meta SET schema_version = 10")
