"""Devices that were logged out take newer tokens only."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the moment before which a device's tokens no longer count. Programs of version 1 may go on."""
    big = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.add_column("device", sa.Column("not_before_ms", big, nullable=False, server_default="0"))
    op.execute("UPDATE meta SET schema_version = 2")
