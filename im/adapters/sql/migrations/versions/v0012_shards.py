"""Who owns the shards of a cluster, and what of theirs is committed and not yet announced."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables. Programs of version 8 may go on."""
    op.create_table(
        "shard",
        sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("epoch", _big, nullable=False),
    )
    op.create_table(
        "outbox",
        sa.Column("shard", sa.Integer, nullable=False),
        sa.Column("epoch", _big, nullable=False),
        sa.Column("number", _big, nullable=False),
        sa.Column("time_ms", _big, nullable=False),
        sa.Column("conversations", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("shard", "epoch", "number"),
        sa.Index("outbox_by_time", "time_ms"),
        sqlite_with_rowid=False,
    )
    op.execute("UPDATE meta SET schema_version = 12")
