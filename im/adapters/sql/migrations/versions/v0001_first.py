"""The first tables."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_big = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""How a key of partitions compares can't be changed later; all others are set after the migration."""


def _number(name: str, default: int = 0) -> sa.Column[int]:
    return sa.Column(name, _big, nullable=False, server_default=str(default))


def _flag(name: str, default: int) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=False, server_default=str(default))


def upgrade() -> None:
    """Make every table and begin the first store epoch."""
    _make_meta()
    _make_users()
    _make_conversations()
    _make_messages()


def _make_meta() -> None:
    meta = op.create_table(
        "meta",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("store_epoch", sa.Text, nullable=False),
        _number("changes"),
        sa.Column("schema_version", sa.Integer, nullable=False),
        sa.Column("compatible_version", sa.Integer, nullable=False),
    )
    first = {"id": 1, "store_epoch": secrets.token_hex(8), "schema_version": 1, "compatible_version": 1}
    op.bulk_insert(meta, [first])
    op.create_table(
        "node_lease",
        sa.Column("node", sa.Text, primary_key=True),
        _number("started_ms"),
        _number("last_ms"),
    )


def _make_users() -> None:
    op.create_table(
        "users",
        sa.Column("user_id", sa.Text, primary_key=True),
        _number("created_ms"),
        _flag("disabled", 0),
        sa.Column("name", sa.Text, nullable=False, server_default=""),
        sa.Column("avatar", sa.Text, nullable=False, server_default=""),
        sa.Column("fields", sa.Text, nullable=False, server_default="{}"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "device",
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("device_id", sa.Text, nullable=False),
        sa.Column("device_class", sa.Text, nullable=False),
        _number("attempt"),
        _number("created_ms"),
        _number("last_ms"),
        sa.PrimaryKeyConstraint("user_id", "device_id"),
        sqlite_with_rowid=False,
    )


def _make_conversations() -> None:
    op.create_table(
        "conversation",
        sa.Column("conversation_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        _number("created_ms"),
        _number("last_seq"),
        _number("n"),
        sa.Column("head_sender", sa.Text, nullable=False, server_default=""),
        _number("head_time_ms"),
        _number("member_version", 1),
        _number("epoch_seq"),
        _number("changed"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "member",
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False, server_default="member"),
        _flag("can_send", 1),
        _flag("muted", 0),
        _flag("pinned", 0),
        _number("read_seq"),
        _number("read_n"),
        _number("own_last_seq"),
        _number("own_last_n"),
        _number("own_after"),
        _number("own_max_seq"),
        _number("clear_seq"),
        _number("clear_n"),
        _number("join_seq", 1),
        _number("join_n"),
        sa.Column("leave_seq", _big),
        sa.Column("leave_n", _big),
        _number("delivered_seq"),
        _number("changed"),
        sa.PrimaryKeyConstraint("conversation_id", "user_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("member_by_user", "member", ["user_id", "conversation_id"])


def _make_messages() -> None:
    op.create_table(
        "message",
        sa.Column("conversation_id", _key, nullable=False),
        sa.Column("seq", _big, nullable=False),
        sa.Column("n", _big, nullable=False),
        sa.Column("kind", sa.Integer, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("client_msg_id", sa.LargeBinary, nullable=False),
        sa.Column("time_ms", _big, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "seq"),
        sa.UniqueConstraint("client_msg_id", "sender", "conversation_id"),
        postgresql_partition_by="HASH (conversation_id)",
    )
    if op.get_bind().dialect.name == "postgresql":
        config = op.get_context().config
        assert config is not None
        partitions = config.attributes["partitions"]
        for number in range(partitions):
            op.execute(
                f"CREATE TABLE message_{number} PARTITION OF message"
                f" FOR VALUES WITH (MODULUS {partitions}, REMAINDER {number})"
            )
