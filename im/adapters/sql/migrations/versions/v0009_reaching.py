"""How users who are away are reached: push tokens, and what a foreground session acknowledged."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the table and the column. Programs of version 8 may go on."""
    op.add_column("member", sa.Column("reached_seq", _big, nullable=False, server_default="0"))
    op.create_table(
        "push_token",
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("device_id", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("registered_ms", _big, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("user_id", "device_id"),
    )
    op.execute("UPDATE meta SET schema_version = 9")
