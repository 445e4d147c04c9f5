"""Friend requests, and what a user keeps of a conversation."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, _big, nullable=False, server_default="0")


def _flag(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=False, server_default="0")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def upgrade() -> None:
    """Make the table and the columns. Programs of version 1 may go on."""
    for column in (_number("hidden_seq"), _flag("marked"), _text("remark"), _text("relation")):
        op.add_column("member", column)
    op.add_column("member", _flag("is_blocking"))
    op.create_table(
        "friend_request",
        sa.Column("requester", sa.Text, nullable=False),
        sa.Column("addressee", sa.Text, nullable=False),
        _text("text"),
        sa.Column("state", sa.Text, nullable=False),
        _number("created_ms"),
        _number("decided_ms"),
        _flag("seen"),
        sa.PrimaryKeyConstraint("requester", "addressee"),
        sqlite_with_rowid=False,
    )
    op.create_index("friend_request_received", "friend_request", ["addressee", "created_ms"])
    op.create_index("friend_request_sent", "friend_request", ["requester", "created_ms"])
    op.create_index("friend_request_by_time", "friend_request", ["state", "created_ms"])
    op.execute("UPDATE meta SET schema_version = 6")
