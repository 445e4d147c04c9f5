"""Friends and friend requests, blocks, and what a user keeps of a conversation."""

from collections.abc import Callable
from typing import Annotated, Literal, cast

from msgspec import Meta, Struct

from im.core import relations
from im.core.contacts import ListRelated, RelatedPage
from im.core.errors import Code, RefusedError, invalid
from im.core.relations import (
    REMARK_CHARACTERS,
    REQUEST_TEXT_CHARACTERS,
    REQUESTS_AT_ONCE,
    AskFriend,
    FriendRequest,
    ListRequests,
    RelationChanged,
    RelationWrite,
    RequestPage,
    RequestsSeen,
    SeeRequests,
    SetContact,
)
from im.core.texts import text_problem
from im.core.validation import LARGEST, after_problem, conversation_problem
from im.http.api.asking import Asking, PageQuery, Token, UserId, check, path_user
from im.http.api.table import Call, Route
from im.http.api.table import Struct as Input

SCOPE = "relations"
_CODES = (Code.NOT_FOUND, Code.BLOCKED, Code.DISABLED, Code.LIMIT_EXCEEDED)
_USER = "/v1/users/{user}"
_REQUESTS = f"{_USER}/friend-requests"
State = Literal["pending", "accepted", "declined", "withdrawn", "expired"]
Standing = Literal["friend", "open", ""]
_NO_PAGE = invalid("after", "after must be the `next` of a page")


class FriendInput(Input):
    """Whom to ask, with a text."""

    to: UserId
    text: Annotated[str, Meta(max_length=REQUEST_TEXT_CHARACTERS)] = ""


class ContactInput(Input):
    """What to keep of a conversation; what is absent stays. `hidden` is until the next entry."""

    remark: Annotated[str, Meta(max_length=REMARK_CHARACTERS)] | None = None
    pinned: bool | None = None
    muted: bool | None = None
    hidden: bool | None = None
    marked: bool | None = None


class RequestsQuery(Input):
    """Which page of requests, the newest first: those received, or those sent."""

    sent: bool = False
    after: Token = ""
    limit: Annotated[int, Meta(ge=1, le=REQUESTS_AT_ONCE)] = REQUESTS_AT_ONCE


class FriendRequestAnswer(Struct):
    """A request; `decided_ms`, Unix ms, is 0 while it is pending."""

    requester: str
    addressee: str
    text: str
    state: State
    created_ms: int
    decided_ms: int


class RequestsAnswer(Struct):
    """`unseen`: how many the user has received, not seen and not answered. `next` is "" at the end."""

    requests: list[FriendRequestAnswer]
    unseen: int
    next: str


class SeenAnswer(Struct):
    """How many requests became seen."""

    seen: int


class RelationAnswer(Struct):
    """How the user of the path stands to `user`. "open": no friend, but may be written to.

    `request` is the newest between the two in the direction that was meant.
    """

    user: str
    relation: Standing
    is_blocking: bool
    request: FriendRequestAnswer | None


class RelatedAnswer(Struct):
    """Another user; `remark` is the name that the asking one gave them."""

    user: str
    remark: str


class RelatedPageAnswer(Struct):
    """Users by id; with `next` as `after` goes on, "" at the end."""

    users: list[RelatedAnswer]
    next: str


class KeptAnswer(Struct):
    """What the user keeps of a conversation now."""

    conversation: str
    remark: str
    pinned: bool
    muted: bool
    hidden: bool
    marked: bool


class RelationRoutes:
    """The routes of relations. A user who accepts says `greeting`, unless it is empty."""

    def __init__(self, asking: Asking, greeting: str) -> None:
        self._asking = asking
        self._greeting = greeting

    def routes(self) -> list[Route]:
        """All of them."""
        return [*self._of_requests(), *self._of_answers(), *self._of_friends(), *self._of_blocks()]

    def _of_requests(self) -> list[Route]:
        listing = Route(
            "GET",
            _REQUESTS,
            "Friend requests of a user, received or sent, the newest first.",
            SCOPE,
            RequestsAnswer,
            self._list,
            query=RequestsQuery,
            own="user",
        )
        making = Route(
            "POST",
            _REQUESTS,
            "Ask to be a friend; where the other one has asked, too, they are friends at once.",
            SCOPE,
            RelationAnswer,
            self._request,
            FriendInput,
            own="user",
            codes=_CODES,
        )
        seeing = Route(
            "POST",
            f"{_REQUESTS}/seen",
            "The user has seen all requests received so far.",
            SCOPE,
            SeenAnswer,
            self._see,
            own="user",
        )
        return [listing, making, seeing]

    def _of_answers(self) -> list[Route]:
        def relating(what: str, summary: str, make: Callable[[str, str], RelationWrite]) -> Route:
            return self._relating("POST", f"{_REQUESTS}/{{peer}}/{what}", summary, make)

        return [
            relating("accept", "Accept what the other one asked.", self._accept),
            relating("decline", "Decline it.", lambda user, peer: relations.AnswerFriend(user, peer, False)),
            relating("withdraw", "Take back what was asked.", relations.WithdrawRequest),
        ]

    def _of_friends(self) -> list[Route]:
        listing = Route(
            "GET",
            f"{_USER}/friends",
            "The friends of a user.",
            SCOPE,
            RelatedPageAnswer,
            self._friends,
            query=PageQuery,
            own="user",
        )
        standing = Route(
            "GET",
            f"{_USER}/relations/{{peer}}",
            "How a user stands to another one.",
            SCOPE,
            RelationAnswer,
            self._standing,
            own="user",
        )
        keeping = Route(
            "PATCH",
            f"{_USER}/contacts/{{conversation}}",
            "Change what a user keeps of a conversation.",
            SCOPE,
            KeptAnswer,
            self._keep,
            ContactInput,
            own="user",
            codes=(Code.NOT_FOUND,),
        )
        ending = self._relating(
            "DELETE", f"{_USER}/friends/{{peer}}", "End a friendship on both sides.", relations.EndFriendship
        )
        return [listing, standing, keeping, ending]

    def _of_blocks(self) -> list[Route]:
        path = f"{_USER}/blocks/{{peer}}"
        listing = Route(
            "GET",
            f"{_USER}/blocks",
            "Whom a user blocks.",
            SCOPE,
            RelatedPageAnswer,
            self._blocked,
            query=PageQuery,
            own="user",
        )
        return [
            listing,
            self._relating(
                "POST",
                path,
                "Take nothing from the other one any more.",
                lambda user, peer: relations.Block(user, peer, True),
            ),
            self._relating(
                "DELETE",
                path,
                "Take messages and requests again.",
                lambda user, peer: relations.Block(user, peer, False),
            ),
        ]

    def _relating(
        self, method: str, path: str, summary: str, make: Callable[[str, str], RelationWrite]
    ) -> Route:
        async def relate(call: Call) -> object:
            return await self._relate(make(call.path["user"], call.path["peer"]), call)

        return Route(method, path, summary, SCOPE, RelationAnswer, relate, own="user", codes=_CODES)

    def _accept(self, user: str, peer: str) -> RelationWrite:
        return relations.AnswerFriend(user, peer, True, self._greeting)

    async def _relate(self, write: RelationWrite, call: Call) -> RelationAnswer:
        check(relations.pair_problem(call.path["user"], call.path.get("peer") or call.body.to))
        return _relation(await self._asking.done(write, RelationChanged))

    async def _request(self, call: Call) -> object:
        body: FriendInput = call.body
        check(text_problem(body.text, "text", REQUEST_TEXT_CHARACTERS))
        return await self._relate(AskFriend(call.path["user"], body.to, body.text), call)

    async def _list(self, call: Call) -> object:
        query: RequestsQuery = call.query
        before_ms, after = _place(query.after)
        asked = ListRequests(path_user(call), query.sent, before_ms, after, query.limit)
        page = await self._asking.read(asked, RequestPage)
        following = ""
        if page.more:
            last = page.requests[-1]
            following = f"{last.created_ms}.{last.addressee if query.sent else last.requester}"
        return RequestsAnswer([_request(each) for each in page.requests], page.unseen, following)

    async def _see(self, call: Call) -> object:
        return SeenAnswer((await self._asking.done(SeeRequests(path_user(call)), RequestsSeen)).requests)

    async def _standing(self, call: Call) -> object:
        user, peer = call.path["user"], call.path["peer"]
        check(relations.pair_problem(user, peer))
        return _relation(await self._asking.read(relations.GetRelation(user, peer), RelationChanged))

    async def _friends(self, call: Call) -> object:
        return await self._related(call, is_blocking=False)

    async def _blocked(self, call: Call) -> object:
        return await self._related(call, is_blocking=True)

    async def _related(self, call: Call, is_blocking: bool) -> RelatedPageAnswer:
        query: PageQuery = call.query
        check(after_problem(query.after))
        asked = ListRelated(call.path["user"], is_blocking, query.after, query.limit)
        page = await self._asking.read(asked, RelatedPage)
        return RelatedPageAnswer([RelatedAnswer(*each) for each in page.related], page.next)

    async def _keep(self, call: Call) -> object:
        body: ContactInput = call.body
        user, conversation = call.path["user"], call.path["conversation"]
        check(conversation_problem(conversation, user))
        check(text_problem(body.remark or "", "remark", REMARK_CHARACTERS))
        write = SetContact(user, conversation, body.remark, body.pinned, body.muted, body.hidden, body.marked)
        kept = (await self._asking.done(write, relations.ContactChanged)).contact
        return KeptAnswer(conversation, kept.remark, kept.pinned, kept.muted, kept.hidden, kept.marked)


def _place(after: str) -> tuple[int, str]:
    """Where a page of requests goes on."""
    check(after_problem(after))
    if not after:
        return LARGEST, ""
    moment, _, other = after.partition(".")
    if not (moment.isascii() and moment.isdecimal() and len(moment) < 16):
        raise RefusedError(_NO_PAGE)
    return int(moment), other


def _relation(changed: RelationChanged) -> RelationAnswer:
    request = None if changed.request is None else _request(changed.request)
    return RelationAnswer(changed.peer, cast(Standing, changed.relation), changed.is_blocking, request)


def _request(request: FriendRequest) -> FriendRequestAnswer:
    requester, addressee, text, state, created_ms, decided_ms = request
    return FriendRequestAnswer(requester, addressee, text, cast(State, state), created_ms, decided_ms)
