"""How two users stand to each other, in words."""

from im.client.related import Relation
from im.core.relations import FRIEND, OPEN, PENDING, FriendRequest

_STANDING = {FRIEND: "a friend", OPEN: "no friend, may be written to"}


def relation_words(relation: Relation, user: str) -> str:
    """How another stands to `user`: `bob: a friend`."""
    words = [_STANDING.get(relation.relation, "no friend")]
    if relation.is_blocking:
        words.append("blocked")
    request = relation.request
    if request is not None and (request.state == PENDING or relation.relation != FRIEND):
        words.append(f"request {request_words(request, user)}")
    return f"{relation.user}: {', '.join(words)}"


def request_words(request: FriendRequest, user: str) -> str:
    """A request as `user` sees it: `pending from alice: it is me`."""
    is_own = request.requester == user
    whom = f"to {request.addressee}" if is_own else f"from {request.requester}"
    text = f": {request.text}" if request.text else ""
    return f"{request.state} {whom}{text}"
