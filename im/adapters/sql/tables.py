"""The tables, for every database: what the store keeps, in SQLAlchemy Core.

All times are Unix ms. `n` beside a seq is the running count of entries that count as unread.
Nothing that changes with every message is indexed. `changed` is the value of the commit counter
(`meta.changes`) at the row's last change. `reached_seq` is how far sessions in the foreground
acknowledged, `delivered_seq` any; unreached has what nobody looked after yet, a row for each consumer
and committed batch. A device takes no token signed before its `not_before_ms`. A user whose `erased_ms`
is not 0 is nobody any more.
In online_session `foreground_ms` is where the last stretch in the foreground began, if the session
ended in it or still is; `base_clock_ms` is the lease's `clock_ms` at its opening, `reach_ms` the
furthest that it was ever said to go, `is_entered` whether the days that it touches are in
online_day, where device class "" is the union of all.
Rows of members who left stay, with `leave_seq`, the last seq that they may see. `recalled_seq` and
`deleted_seq` are the furthest entries that were ever recalled, or deleted by that member. In mention
user "" is everyone; in message_change `sender` is of a recall the target's, else who made the change,
and `seq` the entry that told of it. Up to `purged_seq` a conversation has no content that is removed for its
age; in message such an entry has the negative of its kind.
On PostgreSQL message is split by the hash of its conversation; both of its keys hold the conversation
for that. There `changed` is the id of the transaction, with `meta.changes` added, which never changes
within a store epoch. Only a cluster uses shard and outbox; `conversations` are one a line.
"""

import sqlalchemy as sa

from im.adapters.sql import backend_tables, event_tables
from im.adapters.sql.columns import Big, metadata
from im.adapters.sql.columns import flag as _flag
from im.adapters.sql.columns import number as _number

__all__ = ["backend_tables", "event_tables", "metadata"]

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("store_epoch", sa.Text, nullable=False),
    _number("changes"),
    sa.Column("schema_version", sa.Integer, nullable=False),
    sa.Column("compatible_version", sa.Integer, nullable=False),
    sa.Column("online_zone", sa.Text, nullable=False, server_default=""),
)

users = sa.Table(
    "users",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    _number("created_ms"),
    _flag("disabled", 0),
    sa.Column("name", sa.Text, nullable=False, server_default=""),
    sa.Column("avatar", sa.Text, nullable=False, server_default=""),
    sa.Column("fields", sa.Text, nullable=False, server_default="{}"),
    _number("erased_ms"),
    sqlite_with_rowid=False,
)

device = sa.Table(
    "device",
    metadata,
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("device_id", sa.Text, nullable=False),
    sa.Column("device_class", sa.Text, nullable=False),
    _number("attempt"),
    _number("created_ms"),
    _number("last_ms"),
    _number("not_before_ms"),
    sa.PrimaryKeyConstraint("user_id", "device_id"),
    sqlite_with_rowid=False,
)

conversation = sa.Table(
    "conversation",
    metadata,
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
    _number("recalled_seq"),
    _number("purged_seq"),
    sqlite_with_rowid=False,
)

member = sa.Table(
    "member",
    metadata,
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
    sa.Column("leave_seq", Big),
    sa.Column("leave_n", Big),
    _number("delivered_seq"),
    _number("changed"),
    _number("hidden_seq"),
    _flag("marked", 0),
    sa.Column("remark", sa.Text, nullable=False, server_default=""),
    sa.Column("relation", sa.Text, nullable=False, server_default=""),
    _flag("is_blocking", 0),
    _number("silenced_until_ms"),
    _number("history_seq"),
    _number("deleted_seq"),
    _number("reached_seq"),
    sa.Column("left_name", sa.Text, nullable=False, server_default=""),
    sa.Column("left_avatar", sa.Text, nullable=False, server_default=""),
    sa.PrimaryKeyConstraint("conversation_id", "user_id"),
    sa.Index("member_by_user", "user_id", "conversation_id"),
    sqlite_with_rowid=False,
)

group_info = sa.Table(
    "group_info",
    metadata,
    sa.Column("conversation_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, server_default=""),
    sa.Column("avatar", sa.Text, nullable=False, server_default=""),
    sa.Column("announcement", sa.Text, nullable=False, server_default=""),
    sa.Column("owner", sa.Text, nullable=False, server_default=""),
    sa.Column("may_invite", sa.Text, nullable=False, server_default=""),
    sa.Column("may_post", sa.Text, nullable=False, server_default=""),
    sa.Column("joining", sa.Text, nullable=False, server_default=""),
    sa.Column("history", sa.Text, nullable=False, server_default=""),
    _flag("is_muted", 0),
    _number("members"),
    _number("asking"),
    _flag("is_dissolved", 0),
    sqlite_with_rowid=False,
)

group_asking = sa.Table(
    "group_asking",
    metadata,
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False, server_default=""),
    _number("time_ms"),
    sa.PrimaryKeyConstraint("conversation_id", "user_id"),
    sqlite_with_rowid=False,
)

mention = sa.Table(
    "mention",
    metadata,
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("seq", Big, nullable=False),
    sa.Column("sender", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("conversation_id", "user_id", "seq"),
    sa.Index("mention_by_seq", "conversation_id", "seq"),
    sqlite_with_rowid=False,
)

message_change = sa.Table(
    "message_change",
    metadata,
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Integer, nullable=False),
    sa.Column("target_seq", Big, nullable=False),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    _number("seq"),
    sa.PrimaryKeyConstraint("conversation_id", "kind", "target_seq", "sender", "value"),
    sqlite_with_rowid=False,
)

deleted_entry = sa.Table(
    "deleted_entry",
    metadata,
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("seq", Big, nullable=False),
    _flag("counts", 0),
    sa.PrimaryKeyConstraint("conversation_id", "user_id", "seq"),
    sqlite_with_rowid=False,
)

friend_request = sa.Table(
    "friend_request",
    metadata,
    sa.Column("requester", sa.Text, nullable=False),
    sa.Column("addressee", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False, server_default=""),
    sa.Column("state", sa.Text, nullable=False),
    _number("created_ms"),
    _number("decided_ms"),
    _flag("seen", 0),
    sa.PrimaryKeyConstraint("requester", "addressee"),
    sa.Index("friend_request_received", "addressee", "created_ms"),
    sa.Index("friend_request_sent", "requester", "created_ms"),
    sa.Index("friend_request_by_time", "state", "created_ms"),
    sqlite_with_rowid=False,
)

message = sa.Table(
    "message",
    metadata,
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("seq", Big, nullable=False),
    sa.Column("n", Big, nullable=False),
    sa.Column("kind", sa.Integer, nullable=False),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("client_msg_id", sa.LargeBinary, nullable=False),
    sa.Column("time_ms", Big, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("conversation_id", "seq"),
    sa.UniqueConstraint("client_msg_id", "sender", "conversation_id"),
    postgresql_partition_by="HASH (conversation_id)",
)

node_lease = sa.Table(
    "node_lease",
    metadata,
    sa.Column("node", sa.Text, primary_key=True),
    _number("started_ms"),
    _number("last_ms"),
    _number("clock_ms"),
    _number("stalled_ms"),
    _number("stalled_at_ms"),
)

online_session = sa.Table(
    "online_session",
    metadata,
    sa.Column("session_id", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("device_id", sa.Text, nullable=False),
    sa.Column("device_class", sa.Text, nullable=False),
    sa.Column("node", sa.Text, nullable=False),
    _number("opened_ms"),
    sa.Column("closed_ms", Big),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    _number("heartbeat_ms"),
    _number("bound_ms"),
    _number("base_clock_ms"),
    _number("clock_ms"),
    sa.Column("foreground_ms", Big),
    _number("changed_ms"),
    _number("spans"),
    _number("blurred_ms"),
    _number("reach_ms"),
    _flag("is_entered", 0),
    sa.Index("online_session_by_user", "user_id", "opened_ms"),
    sa.Index("online_session_last", "user_id", "closed_ms"),
    sa.Index("online_session_by_end", "is_entered", "closed_ms"),
    sa.Index(
        "online_session_open",
        "node",
        sqlite_where=sa.text("closed_ms IS NULL"),
        postgresql_where=sa.text("closed_ms IS NULL"),
    ),
)

online_foreground = sa.Table(
    "online_foreground",
    metadata,
    sa.Column("session_id", sa.Text, nullable=False),
    sa.Column("from_ms", Big, nullable=False),
    sa.Column("to_ms", Big, nullable=False),
    sa.PrimaryKeyConstraint("session_id", "from_ms"),
    sqlite_with_rowid=False,
)

online_day = sa.Table(
    "online_day",
    metadata,
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("day", sa.Text, nullable=False),
    sa.Column("device_class", sa.Text, nullable=False),
    sa.Column("zone", sa.Text, nullable=False),
    _number("online_ms"),
    _number("online_bound_ms"),
    _number("foreground_ms"),
    _number("foreground_bound_ms"),
    sa.PrimaryKeyConstraint("user_id", "day", "device_class"),
    sa.Index("online_day_by_day", "day"),
    sqlite_with_rowid=False,
)

shard = sa.Table(
    "shard",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("epoch", Big, nullable=False),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("shard", sa.Integer, nullable=False),
    sa.Column("epoch", Big, nullable=False),
    sa.Column("number", Big, nullable=False),
    sa.Column("time_ms", Big, nullable=False),
    sa.Column("conversations", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("shard", "epoch", "number"),
    sa.Index("outbox_by_time", "time_ms"),
    sqlite_with_rowid=False,
)
