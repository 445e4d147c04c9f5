"""What a client asks of friends, and of what the user keeps of conversations."""

from collections.abc import Callable
from typing import Any, NamedTuple

from google.protobuf.message import Message as Body
from twisted.internet.defer import Deferred

from im.client.core.sync import contact_of
from im.client.observed import Observed
from im.core.relations import Contact, FriendRequest, RequestPage
from im.proto import contact_pb2


class Relation(NamedTuple):
    """How the user stands to another. `relation` is "friend", "open" (may be written to) or ""."""

    user: str
    relation: str
    is_blocking: bool
    request: FriendRequest | None


class Related(Observed):
    """The requests of a client about relations. Each Deferred fails with `ServerError` where refused.

    The same change again is the same answer, so that all of them may be repeated.
    """

    _ask: Callable[[Body], Deferred[Any]]

    def ask_friend(self, user: str, text: str = "") -> Deferred[Relation]:
        """Ask a user to be a friend; where they have asked, too, they are one at once."""
        return self._relate(user, "ask", text)

    def accept_friend(self, user: str) -> Deferred[Relation]:
        """Accept what a user asked."""
        return self._relate(user, "accept")

    def decline_friend(self, user: str) -> Deferred[Relation]:
        """Decline what a user asked."""
        return self._relate(user, "decline")

    def withdraw_request(self, user: str) -> Deferred[Relation]:
        """Take back what was asked of a user."""
        return self._relate(user, "withdraw")

    def end_friendship(self, user: str) -> Deferred[Relation]:
        """Be no friends any more. The history stays."""
        return self._relate(user, "end")

    def block(self, user: str) -> Deferred[Relation]:
        """Take nothing from a user any more."""
        return self._relate(user, "block")

    def unblock(self, user: str) -> Deferred[Relation]:
        """Take messages and requests of a user again."""
        return self._relate(user, "unblock")

    def relation(self, user: str) -> Deferred[Relation]:
        """How the user stands to another."""
        return self._ask(contact_pb2.GetRelation(user=user)).addCallback(_relation)

    def friend_requests(
        self, *, sent: bool = False, before: FriendRequest | None = None, limit: int = 50
    ) -> Deferred[RequestPage]:
        """Requests received or sent, the newest first; `before` is the last of the page before."""
        body = contact_pb2.GetRequests(sent=sent, limit=limit)
        if before is not None:
            body.before_ms = before.created_ms
            body.after = before.addressee if sent else before.requester
        return self._ask(body).addCallback(_requests)

    def see_requests(self) -> Deferred[None]:
        """The user has seen all requests received so far."""
        return self._ask(contact_pb2.SeeRequests()).addCallback(lambda _: None)

    def set_contact(self, conversation: str, **kept: Any) -> Deferred[Contact]:
        """Change what is kept of a conversation: `remark`, `pinned`, `muted`, `hidden`, `marked`."""
        body = contact_pb2.SetContact(conversation=conversation, **kept)
        return self._ask(body).addCallback(lambda state: contact_of(state.contact))

    def _relate(self, user: str, change: str, text: str = "") -> Deferred[Relation]:
        body = contact_pb2.ChangeRelation(user=user, change=change, text=text)
        return self._ask(body).addCallback(_relation)


def _relation(body: contact_pb2.Relation) -> Relation:
    request = _request(body.request) if body.HasField("request") else None
    return Relation(body.user, body.relation, body.is_blocking, request)


def _requests(body: contact_pb2.Requests) -> RequestPage:
    return RequestPage(tuple(_request(each) for each in body.requests), body.unseen, body.more)


def _request(body: contact_pb2.FriendRequest) -> FriendRequest:
    times = (body.created_ms, body.decided_ms)
    return FriendRequest(body.requester, body.addressee, body.text, body.state, *times)
