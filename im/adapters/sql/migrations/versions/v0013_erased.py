"""When a user was erased, so that nobody gets that id again."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the column. Programs of version 8 may go on: to them an erased user is a disabled one."""
    op.add_column("users", sa.Column("erased_ms", _big, nullable=False, server_default="0"))
    op.execute("UPDATE meta SET schema_version = 13")
