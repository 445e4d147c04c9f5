"""Who is online, and when the others were seen last, without a look at all of their sessions."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index. Programs of version 1 may go on."""
    op.create_index("online_session_last", "online_session", ["user_id", "closed_ms"])
    op.execute("UPDATE meta SET schema_version = 7")
