"""How far each conversation is purged of old content, and mentions by the messages that they are in."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the column and the index. Programs of version 8 may go on while nothing is purged."""
    op.add_column("conversation", sa.Column("purged_seq", _big, nullable=False, server_default="0"))
    op.create_index("mention_by_seq", "mention", ["conversation_id", "seq"])
    op.execute("UPDATE meta SET schema_version = 14")
