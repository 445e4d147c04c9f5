"""Friends, blocks, and what a user keeps of a conversation."""

from collections.abc import Callable
from typing import Any

from im.core import relations
from im.core.errors import Refused, invalid
from im.core.relations import (
    REQUESTS_AT_ONCE,
    ContactChanged,
    FriendRequest,
    RelationChanged,
    RequestPage,
    RequestsSeen,
)
from im.core.texts import text_problem
from im.core.validation import LARGEST, after_problem, conversation_problem, seq_problem
from im.gateway import translate
from im.gateway.context import GatewayContext, GatewayHandler
from im.proto import base_pb2, contact_pb2
from im.wire import types

_NO_CHANGE = invalid("change", "change must be ask, accept, decline, withdraw, end, block or unblock")

_CHANGES: dict[str, Callable[[str, str, str, str], relations.RelationWrite]] = {
    "ask": lambda user, peer, text, greeting: relations.AskFriend(user, peer, text),
    "accept": lambda user, peer, text, greeting: relations.AnswerFriend(user, peer, True, greeting),
    "decline": lambda user, peer, text, greeting: relations.AnswerFriend(user, peer, False),
    "withdraw": lambda user, peer, text, greeting: relations.WithdrawRequest(user, peer),
    "end": lambda user, peer, text, greeting: relations.EndFriendship(user, peer),
    "block": lambda user, peer, text, greeting: relations.Block(user, peer, True),
    "unblock": lambda user, peer, text, greeting: relations.Block(user, peer, False),
}


class ChangeRelationHandler(GatewayHandler):
    """Have a relation changed. `greeting` is said by a user who accepts."""

    type = types.CHANGE_RELATION
    body = contact_pb2.ChangeRelation

    def __init__(self, greeting: str) -> None:
        self._greeting = greeting

    def handle(self, context: GatewayContext, body: contact_pb2.ChangeRelation) -> None:
        """Check the request and have it done."""
        problem = relations.pair_problem(context.user, body.user)
        problem = problem or text_problem(body.text, "text", relations.REQUEST_TEXT_CHARACTERS)
        change = _CHANGES.get(body.change)
        if problem is not None or change is None:
            context.refuse(problem or _NO_CHANGE)
            return
        context.submit(change(context.user, body.user, body.text, self._greeting), _answer)


class GetRelationHandler(GatewayHandler):
    """Tell how the user stands to another."""

    type = types.GET_RELATION
    body = contact_pb2.GetRelation

    def handle(self, context: GatewayContext, body: contact_pb2.GetRelation) -> None:
        """Check the request and ask."""
        problem = relations.pair_problem(context.user, body.user)
        if problem is not None:
            context.refuse(problem)
        else:
            context.submit(relations.GetRelation(context.user, body.user), _answer)


class GetRequestsHandler(GatewayHandler):
    """Show friend requests, sent or received."""

    type = types.GET_REQUESTS
    body = contact_pb2.GetRequests

    def handle(self, context: GatewayContext, body: contact_pb2.GetRequests) -> None:
        """Check the request and ask for the page."""
        problem = seq_problem(body.before_ms, "before_ms") or after_problem(body.after)
        if problem is not None:
            context.refuse(problem)
            return
        limit = min(body.limit or REQUESTS_AT_ONCE, REQUESTS_AT_ONCE)
        before_ms = body.before_ms or LARGEST
        context.submit(relations.ListRequests(context.user, body.sent, before_ms, body.after, limit), _answer)


class SeeRequestsHandler(GatewayHandler):
    """Note that the user has seen all requests."""

    type = types.SEE_REQUESTS
    body = contact_pb2.SeeRequests

    def handle(self, context: GatewayContext, body: contact_pb2.SeeRequests) -> None:
        """Have it done."""
        context.submit(relations.SeeRequests(context.user), _answer)


class SetContactHandler(GatewayHandler):
    """Change what the user keeps of a conversation."""

    type = types.SET_CONTACT
    body = contact_pb2.SetContact

    def handle(self, context: GatewayContext, body: contact_pb2.SetContact) -> None:
        """Check the request and have it done."""
        user = context.user
        problem = conversation_problem(body.conversation, user)
        problem = problem or text_problem(body.remark, "remark", relations.REMARK_CHARACTERS)
        if problem is not None:
            context.refuse(problem)
            return
        kept: dict[str, Any] = {field.name: value for field, value in body.ListFields()}
        kept.pop("conversation", None)
        context.submit(relations.SetContact(user, body.conversation, **kept), _answer)


def _answer(context: GatewayContext, result: object) -> None:
    if isinstance(result, Refused):
        context.refuse(result)
    elif isinstance(result, RelationChanged):
        request = None if result.request is None else _request(result.request)
        context.reply(
            contact_pb2.Relation(
                user=result.peer,
                relation=result.relation,
                is_blocking=result.is_blocking,
                request=request,
            )
        )
    elif isinstance(result, RequestPage):
        requests = [_request(each) for each in result.requests]
        context.reply(contact_pb2.Requests(requests=requests, unseen=result.unseen, more=result.more))
    elif isinstance(result, ContactChanged):
        contact = translate.contact(result.contact)
        context.reply(contact_pb2.ContactState(conversation=result.conversation, contact=contact))
    else:
        assert isinstance(result, RequestsSeen)
        context.reply(base_pb2.Ok())


def _request(request: FriendRequest) -> contact_pb2.FriendRequest:
    return contact_pb2.FriendRequest(**request._asdict())
