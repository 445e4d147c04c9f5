"""The tables of events for back ends. See `im.adapters.sql.tables`.

In event `state` is 0 of what waits, 1 of what waits behind an earlier event of its lane that failed, or
is that one, and 2 of a dead letter; `pending_ms` is when it began to wait. event_lane has the lanes that
are to be tried again, with how often the first event of each failed.
"""

import sqlalchemy as sa

from im.adapters.sql.columns import metadata, number

event_consumer = sa.Table(
    "event_consumer",
    metadata,
    sa.Column("consumer", sa.Text, primary_key=True),
    sa.Column("kinds", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)

event = sa.Table(
    "event",
    metadata,
    sa.Column("consumer", sa.Text, nullable=False),
    sa.Column("event_id", sa.LargeBinary, nullable=False),
    sa.Column("lane", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("user_id", sa.Text, nullable=False, server_default=""),
    number("time_ms"),
    number("pending_ms"),
    sa.Column("state", sa.SmallInteger, nullable=False, server_default="0"),
    number("attempts"),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    sa.Column("payload", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("consumer", "state", "event_id"),
    sa.Index(
        "event_behind",
        "consumer",
        "state",
        "lane",
        "event_id",
        sqlite_where=sa.text("state = 1"),
        postgresql_where=sa.text("state = 1"),
    ),
    sqlite_with_rowid=False,
)

event_lane = sa.Table(
    "event_lane",
    metadata,
    sa.Column("consumer", sa.Text, nullable=False),
    sa.Column("lane", sa.Text, nullable=False),
    number("attempts"),
    number("next_ms"),
    sa.PrimaryKeyConstraint("consumer", "lane"),
    sa.Index("event_lane_next", "consumer", "next_ms"),
    sqlite_with_rowid=False,
)

webhook = sa.Table(
    "webhook",
    metadata,
    sa.Column("webhook_id", sa.Text, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("old_secret", sa.Text, nullable=False, server_default=""),
    number("old_until_ms"),
    number("created_ms"),
)
