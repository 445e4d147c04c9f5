"""Events for back ends, and who wants them."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _number(name: str) -> "sa.Column[int]":
    return sa.Column(name, _big, nullable=False, server_default="0")


def _text(name: str, default: str | None = None) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=False, server_default=default)


def upgrade() -> None:
    """Make the tables. Programs of version 8 may go on: what they do meanwhile is no event."""
    op.create_table(
        "event_consumer",
        sa.Column("consumer", sa.Text, primary_key=True),
        _text("kinds"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "event",
        _text("consumer"),
        sa.Column("event_id", sa.LargeBinary, nullable=False),
        _text("lane"),
        _text("kind"),
        _text("user_id", ""),
        _number("time_ms"),
        _number("pending_ms"),
        sa.Column("state", sa.SmallInteger, nullable=False, server_default="0"),
        _number("attempts"),
        _text("error", ""),
        _text("payload"),
        sa.PrimaryKeyConstraint("consumer", "state", "event_id"),
        sqlite_with_rowid=False,
    )
    behind = sa.text("state = 1")
    columns = ["consumer", "state", "lane", "event_id"]
    op.create_index("event_behind", "event", columns, sqlite_where=behind, postgresql_where=behind)
    op.create_table(
        "event_lane",
        _text("consumer"),
        _text("lane"),
        _number("attempts"),
        _number("next_ms"),
        sa.PrimaryKeyConstraint("consumer", "lane"),
        sqlite_with_rowid=False,
    )
    op.create_index("event_lane_next", "event_lane", ["consumer", "next_ms"])
    op.create_table(
        "webhook",
        sa.Column("webhook_id", sa.Text, primary_key=True),
        _text("url"),
        _text("secret"),
        _text("old_secret", ""),
        _number("old_until_ms"),
        _number("created_ms"),
    )
    op.execute("UPDATE meta SET schema_version = 11")
