"""Groups, and what becomes of messages."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, _big, nullable=False, server_default="0")


def _flag(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=False, server_default="0")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def upgrade() -> None:
    """Make the tables and the columns. Older programs know no groups, and would take anybody's posts."""
    op.add_column("conversation", _number("recalled_seq"))
    for column in (_number("silenced_until_ms"), _number("history_seq"), _number("deleted_seq")):
        op.add_column("member", column)
    _make_groups()
    _make_changes()
    op.execute("UPDATE meta SET schema_version = 8, compatible_version = 8")


def _make_groups() -> None:
    settings = [_text(name) for name in ("may_invite", "may_post", "joining", "history")]
    op.create_table(
        "group_info",
        sa.Column("conversation_id", sa.Text, primary_key=True),
        *(_text(name) for name in ("name", "avatar", "announcement", "owner")),
        *settings,
        _flag("is_muted"),
        _number("members"),
        _number("asking"),
        _flag("is_dissolved"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "group_asking",
        _key("conversation_id"),
        _key("user_id"),
        _text("text"),
        _number("time_ms"),
        sa.PrimaryKeyConstraint("conversation_id", "user_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "mention",
        _key("conversation_id"),
        _key("user_id"),
        sa.Column("seq", _big, nullable=False),
        _key("sender"),
        sa.PrimaryKeyConstraint("conversation_id", "user_id", "seq"),
        sqlite_with_rowid=False,
    )


def _make_changes() -> None:
    op.create_table(
        "message_change",
        _key("conversation_id"),
        sa.Column("kind", sa.Integer, nullable=False),
        sa.Column("target_seq", _big, nullable=False),
        _key("sender"),
        _key("value"),
        _number("seq"),
        sa.PrimaryKeyConstraint("conversation_id", "kind", "target_seq", "sender", "value"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "deleted_entry",
        _key("conversation_id"),
        _key("user_id"),
        sa.Column("seq", _big, nullable=False),
        _flag("counts"),
        sa.PrimaryKeyConstraint("conversation_id", "user_id", "seq"),
        sqlite_with_rowid=False,
    )
