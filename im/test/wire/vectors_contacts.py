"""Golden frames of friends and contacts."""

from collections.abc import Iterator

from google.protobuf.message import Message

from im.proto import contact_pb2, sync_pb2

TIME_MS = 1_795_500_000_123


def bodies() -> Iterator[tuple[str, int, Message]]:
    """What a frame shows, the id of its envelope, its body."""
    request = contact_pb2.FriendRequest(
        requester="alice", addressee="bob", text="it's me, zoë", state="pending", created_ms=TIME_MS
    )
    yield "ask a friend", 50, contact_pb2.ChangeRelation(user="bob", change="ask", text="it's me, zoë")
    yield "how it stands", 50, contact_pb2.Relation(user="bob", request=request)
    yield "block", 51, contact_pb2.ChangeRelation(user="bob", change="block")
    yield (
        "a friend whom one blocks",
        51,
        contact_pb2.Relation(user="bob", relation="friend", is_blocking=True),
    )
    yield "ask how it stands", 52, contact_pb2.GetRelation(user="bob")
    yield "friend requests", 53, contact_pb2.GetRequests(before_ms=TIME_MS, after="alice", limit=10)
    yield "a page of them", 53, contact_pb2.Requests(requests=[request], unseen=1, more=True)
    yield "all are seen", 54, contact_pb2.SeeRequests()
    kept = contact_pb2.SetContact(conversation="d~alice~bob", remark="Bobby", pinned=True, muted=False)
    yield "keep a contact", 55, kept
    contact = sync_pb2.Contact(remark="Bobby", pinned=True, relation="friend")
    yield "what is kept", 55, contact_pb2.ContactState(conversation="d~alice~bob", contact=contact)
