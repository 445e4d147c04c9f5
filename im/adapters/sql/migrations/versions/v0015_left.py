"""What a group was called when a member left it: that is theirs, what it is called later is not."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_OF_THE_GROUP = "(SELECT g.{} FROM group_info AS g WHERE g.conversation_id = member.conversation_id)"


def upgrade() -> None:
    """Add the columns, with what groups are called now. Programs of version 8 may go on."""
    for name in ("name", "avatar"):
        op.add_column("member", sa.Column(f"left_{name}", sa.Text, nullable=False, server_default=""))
        op.execute(
            f"UPDATE member SET left_{name} = coalesce({_OF_THE_GROUP.format(name)}, '')"
            " WHERE leave_seq IS NOT NULL"
        )
    op.execute("UPDATE meta SET schema_version = 15")
