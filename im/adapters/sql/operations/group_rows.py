"""The row of a group beside that of its conversation, as the writer remembers it."""

from collections.abc import Iterable
from dataclasses import dataclass

from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.statements import upsert
from im.core.groups import DEFAULT_SETTINGS, GroupSettings

GROUP_COLUMNS = (
    "name, avatar, announcement, owner, members, asking, is_dissolved,"
    " may_invite, may_post, joining, history, is_muted"
)
_SELECT = f"SELECT {GROUP_COLUMNS} FROM group_info WHERE conversation_id = ?"
_UPSERT = upsert("group_info", ["conversation_id"], GROUP_COLUMNS.split(", "))


@dataclass(slots=True, eq=False)
class Group:
    """A row of group_info. `members` counts those who are in, `asking` those who want to be let in."""

    name: str = ""
    avatar: str = ""
    announcement: str = ""
    owner: str = ""
    members: int = 0
    asking: int = 0
    is_dissolved: bool = False
    settings: GroupSettings = DEFAULT_SETTINGS


def load_group(connection: Connection, conversation: str) -> Group:
    """The group of a conversation; one without a row is over."""
    row = connection.execute(_SELECT, (conversation,)).fetchone()
    if row is None:
        return Group(is_dissolved=True)
    *facts, is_dissolved, may_invite, may_post, joining, history, is_muted = row
    settings = GroupSettings(may_invite, may_post, joining, history, bool(is_muted))
    name, avatar, announcement, owner, members, asking = facts
    return Group(name, avatar, announcement, owner, members, asking, bool(is_dissolved), settings)


def write_groups(connection: Connection, groups: Iterable[tuple[str, Group]]) -> None:
    """Write the rows of some conversations' groups."""
    _UPSERT.execute(
        connection,
        [
            (
                conversation,
                group.name,
                group.avatar,
                group.announcement,
                group.owner,
                group.members,
                group.asking,
                int(group.is_dissolved),
                *group.settings[:4],
                int(group.settings.is_muted),
            )
            for conversation, group in groups
        ],
    )
