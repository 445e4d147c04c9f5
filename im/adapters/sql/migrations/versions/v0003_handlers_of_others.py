"""What handlers of others store, and how they answered."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, _big, nullable=False, server_default="0")


def upgrade() -> None:
    """Make the tables. Programs of version 1 may go on."""
    op.create_table(
        "handler",
        sa.Column("handler", sa.Text, primary_key=True),
        _number("version"),
        _number("records"),
        _number("bytes"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "handler_record",
        sa.Column("handler", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        _number("version"),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("handler", "key"),
    )
    op.create_table(
        "handler_reply",
        sa.Column("handler", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("request_key", sa.LargeBinary, nullable=False),
        _number("time_ms"),
        sa.Column("type", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("handler", "user_id", "request_key"),
    )
    op.create_index("handler_reply_by_time", "handler_reply", ["time_ms"])
    op.execute("UPDATE meta SET schema_version = 3")
