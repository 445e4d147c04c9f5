"""Pushes in inboxes, and what back ends are known by."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, _big, nullable=False, server_default="0")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def upgrade() -> None:
    """Make the tables. Programs of version 1 may go on."""
    _make_pushes()
    _make_back_ends()
    op.execute("UPDATE meta SET schema_version = 5")


def _make_pushes() -> None:
    op.create_table(
        "push",
        sa.Column("push_id", sa.LargeBinary, primary_key=True),
        _number("created_ms"),
        _number("expires_ms"),
        _text("device_classes"),
        sa.Column("is_expired", sa.SmallInteger, nullable=False, server_default="0"),
        sqlite_with_rowid=False,
    )
    op.create_index("push_by_end", "push", ["is_expired", "expires_ms"])
    op.create_table(
        "inbox_newest",
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("collapse_key", sa.Text, nullable=False),
        _number("seq"),
        sa.PrimaryKeyConstraint("conversation_id", "collapse_key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "inbox_receipt",
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("device_id", sa.Text, nullable=False),
        sa.Column("seq", _big, nullable=False),
        _number("time_ms"),
        sa.PrimaryKeyConstraint("conversation_id", "device_id", "seq"),
    )
    op.create_index("inbox_receipt_by_time", "inbox_receipt", ["time_ms"])


def _make_back_ends() -> None:
    op.create_table(
        "api_key",
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        _text("name"),
        _text("scopes"),
        _number("created_ms"),
        _number("revoked_ms"),
    )
    op.create_table(
        "remembered",
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("request_key", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("token", sa.LargeBinary, nullable=False),
        _number("time_ms"),
        _number("status"),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("owner", "request_key"),
    )
    op.create_index("remembered_by_time", "remembered", ["time_ms"])
