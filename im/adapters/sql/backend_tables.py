"""The tables of handlers and back ends: their records, pushes, keys, and how users are reached.

See `im.adapters.sql.tables`.
"""

import sqlalchemy as sa

from im.adapters.sql.columns import Big, flag, metadata, number

push_token = sa.Table(
    "push_token",
    metadata,
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("device_id", sa.Text, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("platform", sa.Text, nullable=False),
    sa.Column("token", sa.Text, nullable=False),
    number("registered_ms"),
    sa.PrimaryKeyConstraint("user_id", "device_id"),
)

unreached = sa.Table(
    "unreached",
    metadata,
    sa.Column("consumer", sa.Text, nullable=False),
    sa.Column("batch", Big, nullable=False),
    number("time_ms"),
    sa.Column("entries", sa.Text, nullable=False),
    number("entry"),
    sa.Column("after_user", sa.Text, nullable=False, server_default=""),
    sa.PrimaryKeyConstraint("consumer", "batch"),
    sqlite_with_rowid=False,
)

handler = sa.Table(
    "handler",
    metadata,
    sa.Column("handler", sa.Text, primary_key=True),
    number("version"),
    number("records"),
    number("bytes"),
    sqlite_with_rowid=False,
)

handler_record = sa.Table(
    "handler_record",
    metadata,
    sa.Column("handler", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    number("version"),
    sa.Column("value", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("handler", "key"),
)

handler_reply = sa.Table(
    "handler_reply",
    metadata,
    sa.Column("handler", sa.Text, nullable=False),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("request_key", sa.LargeBinary, nullable=False),
    number("time_ms"),
    sa.Column("type", sa.Integer, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("handler", "user_id", "request_key"),
    sa.Index("handler_reply_by_time", "time_ms"),
)

push = sa.Table(
    "push",
    metadata,
    sa.Column("push_id", sa.LargeBinary, primary_key=True),
    number("created_ms"),
    number("expires_ms"),
    sa.Column("device_classes", sa.Text, nullable=False, server_default=""),
    flag("is_expired", 0),
    sa.Index("push_by_end", "is_expired", "expires_ms"),
    sqlite_with_rowid=False,
)

inbox_newest = sa.Table(
    "inbox_newest",
    metadata,
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("collapse_key", sa.Text, nullable=False),
    number("seq"),
    sa.PrimaryKeyConstraint("conversation_id", "collapse_key"),
    sqlite_with_rowid=False,
)

inbox_receipt = sa.Table(
    "inbox_receipt",
    metadata,
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("device_id", sa.Text, nullable=False),
    sa.Column("seq", Big, nullable=False),
    number("time_ms"),
    sa.PrimaryKeyConstraint("conversation_id", "device_id", "seq"),
    sa.Index("inbox_receipt_by_time", "time_ms"),
)

api_key = sa.Table(
    "api_key",
    metadata,
    sa.Column("key_id", sa.Text, primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False, server_default=""),
    sa.Column("scopes", sa.Text, nullable=False, server_default=""),
    number("created_ms"),
    number("revoked_ms"),
)

remembered = sa.Table(
    "remembered",
    metadata,
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("request_key", sa.Text, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("token", sa.LargeBinary, nullable=False),
    number("time_ms"),
    number("status"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("owner", "request_key"),
    sa.Index("remembered_by_time", "time_ms"),
)
