"""The ledger of sessions, and the sums of its days."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, _big, nullable=False, server_default="0")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def upgrade() -> None:
    """Make the tables. Programs of version 1 may go on, without a ledger."""
    op.add_column("meta", sa.Column("online_zone", sa.Text, nullable=False, server_default=""))
    for name in ("clock_ms", "stalled_ms", "stalled_at_ms"):
        op.add_column("node_lease", _number(name))
    _make_sessions()
    _make_days()
    op.execute("UPDATE meta SET schema_version = 4")


def _make_sessions() -> None:
    op.create_table(
        "online_session",
        sa.Column("session_id", sa.Text, primary_key=True),
        *map(_text, ("user_id", "device_id", "device_class", "node")),
        _number("opened_ms"),
        sa.Column("closed_ms", _big),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        *map(_number, ("heartbeat_ms", "bound_ms", "base_clock_ms", "clock_ms")),
        sa.Column("foreground_ms", _big),
        *map(_number, ("changed_ms", "spans", "blurred_ms", "reach_ms")),
        sa.Column("is_entered", sa.SmallInteger, nullable=False, server_default="0"),
    )
    op.create_index("online_session_by_user", "online_session", ["user_id", "opened_ms"])
    op.create_index("online_session_by_end", "online_session", ["is_entered", "closed_ms"])
    is_open = sa.text("closed_ms IS NULL")
    op.create_index(
        "online_session_open", "online_session", ["node"], sqlite_where=is_open, postgresql_where=is_open
    )
    op.create_table(
        "online_foreground",
        _text("session_id"),
        sa.Column("from_ms", _big, nullable=False),
        sa.Column("to_ms", _big, nullable=False),
        sa.PrimaryKeyConstraint("session_id", "from_ms"),
        sqlite_with_rowid=False,
    )


def _make_days() -> None:
    op.create_table(
        "online_day",
        *map(_text, ("user_id", "day", "device_class", "zone")),
        *map(_number, ("online_ms", "online_bound_ms", "foreground_ms", "foreground_bound_ms")),
        sa.PrimaryKeyConstraint("user_id", "day", "device_class"),
        sqlite_with_rowid=False,
    )
    op.create_index("online_day_by_day", "online_day", ["day"])
