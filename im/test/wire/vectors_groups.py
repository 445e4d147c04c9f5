"""Golden frames of groups, and of what becomes of messages."""

from collections.abc import Iterator

from google.protobuf.message import Message

from im.proto import content_pb2, group_pb2

GROUP = "g~0123456789abcdef0123456789abcdef"
KEY = bytes.fromhex("0192d4a1b2c37e5f8a9bacbdcedfe0f1")
TIME_MS = 1_795_500_000_123


def bodies() -> Iterator[tuple[str, int, Message]]:
    """What a frame shows, the id of its envelope, its body."""
    settings = group_pb2.GroupSettings(
        may_invite="admin", may_post="member", joining="approval", history="everything", is_muted=True
    )
    make = group_pb2.CreateGroup(
        key=KEY,
        name="Größe",
        avatar="https://example.org/a.png",
        announcement="Be kind.",
        settings=settings,
        members=["bob", "zoë"],
    )
    yield "make a group", 30, make
    yield from _changes()
    changed = group_pb2.GroupChanged(conversation=GROUP, seq=7, member_version=3)
    yield "a group was changed", 31, changed
    yield (
        "an admin has to approve",
        33,
        group_pb2.GroupChanged(conversation=GROUP, member_version=3, asked=True),
    )
    yield "show a group", 42, group_pb2.GetGroup(conversation=GROUP)
    shown = group_pb2.Group(
        conversation=GROUP,
        name="Größe",
        avatar="https://example.org/a.png",
        announcement="Be kind.",
        owner="alice",
        settings=settings,
        members=3,
        asking=1,
        member_version=3,
        created_ms=TIME_MS,
        is_dissolved=False,
        role="owner",
    )
    yield "a group", 42, shown
    yield "show members", 43, group_pb2.GetMembers(conversation=GROUP, after="alice", limit=2)
    members = [
        group_pb2.Member(user="bob", role="admin"),
        group_pb2.Member(user="zoë", role="member", silenced_until_ms=TIME_MS),
    ]
    yield "members", 43, group_pb2.Members(conversation=GROUP, member_version=3, members=members, next="zoë")
    yield "show who asks", 44, group_pb2.GetAsking(conversation=GROUP, after="bob", limit=10)
    asking = [group_pb2.Asking(user="eve", text="Hello", time_ms=TIME_MS)]
    yield "who asks", 44, group_pb2.AskingPage(conversation=GROUP, asking=asking, next="eve")
    yield from _messages()


def _changes() -> Iterator[tuple[str, int, Message]]:
    changes = {
        "describe": {"set": group_pb2.SetGroup(name="", may_post="admin", is_muted=False)},
        "invite": {"invite": group_pb2.GroupUsers(users=["eve", "bob"])},
        "ask to join": {"join": group_pb2.JoinGroup(text="Hello")},
        "approve": {"approve": "eve"},
        "decline": {"decline": "eve"},
        "leave": {"leave": group_pb2.LeaveGroup()},
        "remove": {"remove": group_pb2.GroupUsers(users=["bob"])},
        "give a role": {"set_role": group_pb2.SetRole(user="bob", role="admin")},
        "give the group away": {"transfer": "bob"},
        "silence": {"silence": group_pb2.Silence(user="bob", seconds=600)},
        "dissolve": {"dissolve": group_pb2.DissolveGroup()},
    }
    for number, (name, change) in enumerate(changes.items(), start=31):
        body = group_pb2.ChangeGroup(conversation=GROUP, key=KEY, **change)  # type: ignore[arg-type]
        yield f"change a group: {name}", number, body


def _messages() -> Iterator[tuple[str, int, Message]]:
    changes = {
        "recall": {"recall": content_pb2.RecallMessage()},
        "edit": {"edit": content_pb2.EditMessage(content="größer".encode())},
        "react": {"react": content_pb2.ReactToMessage(reaction="👍", is_set=True)},
    }
    for number, (name, change) in enumerate(changes.items(), start=50):
        body = content_pb2.ChangeMessage(
            conversation=GROUP,
            key=KEY,
            target=5,
            **change,  # type: ignore[arg-type]
        )
        yield f"change a message: {name}", number, body
    yield "a message was changed", 50, content_pb2.MessageChanged(conversation=GROUP, seq=8)
    yield "delete for oneself", 53, content_pb2.DeleteEntries(conversation=GROUP, seqs=[3, 5, 300])
    yield "clear the history", 54, content_pb2.ClearHistory(conversation=GROUP, seq=8)
    yield "one's own place", 54, content_pb2.Place(conversation=GROUP, visible_from=9, unread=2)
    yield "who has read", 55, content_pb2.GetReaders(conversation=GROUP, seq=5)
    readers = content_pb2.Readers(conversation=GROUP, seq=5, count=2, members=3, users=["bob", "zoë"])
    yield "readers", 55, readers
