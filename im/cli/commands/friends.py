"""`imctl friends`."""

from argparse import Namespace
from collections.abc import Callable

from twisted.internet.defer import Deferred

from im.cli.asking import answer, outcome
from im.cli.columns import aligned
from im.cli.contacts import contacts_of, named
from im.cli.conversations import conversation_with
from im.cli.online import CONNECT_SECONDS, Session
from im.cli.output import Json, Output, shown
from im.cli.records import moment
from im.cli.relations import relation_words, request_words
from im.client.client import Client
from im.client.related import Relation
from im.core.relations import FriendRequest, RequestPage


def run(arguments: Namespace, output: Output) -> None:
    """Show friends and requests, or change how one stands to a user."""
    _ACTIONS.get(arguments.action, _relate)(arguments, output)


def _relate(arguments: Namespace, output: Output) -> None:
    conversation_with(arguments.user, arguments.other)
    relation = answer(arguments, output, lambda client: _RELATES[arguments.action](client, arguments))
    _tell(relation, arguments.user, output)


def _list(arguments: Namespace, output: Output) -> None:
    heads = answer(arguments, output, lambda client: client.heads())
    friends = [each for each in contacts_of(heads, arguments.user) if each.is_friend]
    friends.sort(key=lambda each: each.user)
    for each in friends:
        record: dict[str, Json] = {
            "user": each.user,
            "conversation": each.head.conversation,
            "remark": each.head.contact.remark,
            "is_blocking": each.head.contact.is_blocking,
        }
        output.record(record, shown(named(each)) + (" [blocked]" if each.head.contact.is_blocking else ""))


def _requests(arguments: Namespace, output: Output) -> None:
    page = outcome(arguments, output, lambda session: _read(session, arguments))
    rows = [(moment(each.created_ms), request_words(each, arguments.user)) for each in page.requests]
    for each, line in zip(page.requests, aligned(rows), strict=True):
        output.record(each._asdict(), shown(line))
    if page.unseen:
        output.note(f"{page.unseen} of those received are new")


async def _read(session: Session, arguments: Namespace) -> RequestPage:
    """Pages, from the newest, until there are enough. `unseen` is as it was before."""
    client, limit = session.client, arguments.limit
    is_sent = arguments.direction == "sent"
    requests: list[FriendRequest] = []
    while True:
        before = requests[-1] if requests else None
        asked = client.friend_requests(sent=is_sent, before=before, limit=min(limit - len(requests), 50))
        page = await session.wait(asked, CONNECT_SECONDS)
        requests += page.requests
        if not page.more or len(requests) >= limit:
            break
    if arguments.seen:
        await session.wait(client.see_requests(), CONNECT_SECONDS)
    return page._replace(requests=tuple(requests))


def _remark(arguments: Namespace, output: Output) -> None:
    conversation = conversation_with(arguments.user, arguments.other)
    contact = answer(
        arguments, output, lambda client: client.set_contact(conversation, remark=arguments.remark)
    )
    told = f"{arguments.other} is called {contact.remark}" if contact.remark else arguments.other
    output.record(
        {"user": arguments.other, "conversation": conversation, "remark": contact.remark}, shown(told)
    )


def _tell(relation: Relation, user: str, output: Output) -> None:
    request = relation.request
    record: dict[str, Json] = {
        "user": relation.user,
        "relation": relation.relation,
        "is_blocking": relation.is_blocking,
        "request": None if request is None else request._asdict(),
    }
    output.record(record, shown(relation_words(relation, user)))


_RELATES: dict[str, Callable[[Client, Namespace], "Deferred[Relation]"]] = {
    "show": lambda client, arguments: client.relation(arguments.other),
    "request": lambda client, arguments: client.ask_friend(arguments.other, arguments.text),
    "accept": lambda client, arguments: client.accept_friend(arguments.other),
    "decline": lambda client, arguments: client.decline_friend(arguments.other),
    "withdraw": lambda client, arguments: client.withdraw_request(arguments.other),
    "remove": lambda client, arguments: client.end_friendship(arguments.other),
    "block": lambda client, arguments: client.block(arguments.other),
    "unblock": lambda client, arguments: client.unblock(arguments.other),
}

_ACTIONS: dict[str, Callable[[Namespace, Output], None]] = {
    "list": _list,
    "requests": _requests,
    "remark": _remark,
}
