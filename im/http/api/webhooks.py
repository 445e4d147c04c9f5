"""Webhooks: where events are posted."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from im.business.webhook_desk import WebhookDesk
from im.core.errors import Code
from im.core.events import KINDS, DeadLetter, EventCount
from im.core.webhooks import URL_CHARACTERS, Webhook
from im.http.api.table import Call, Route
from im.http.api.table import Struct as Input

SCOPE = "webhooks"
TEST_SECONDS = 15.0
"""Longer than a post may take."""

_REPLAY_SECONDS = 30.0
_PAGE = 100
_MISSING = (Code.NOT_FOUND,)

Kind = Literal["online", "offline", "stored", "offline_message", "delivered", "read", "push_result"]


class WebhookInput(Input):
    """Where to post events of which kinds."""

    url: Annotated[str, Meta(min_length=1, max_length=URL_CHARACTERS)]
    kinds: Annotated[list[Kind], Meta(min_length=1, max_length=len(KINDS))]


class WebhookAnswer(Struct):
    """A webhook. `pending` events wait, since `oldest_ms` (0: none does); `dead` are given up.

    None above 10,000 are counted. Until `rotating_until_ms` the secret before signs too.
    """

    id: str
    url: str
    kinds: list[str]
    created_ms: int
    rotating_until_ms: int
    pending: int
    dead: int
    oldest_ms: int


class WebhooksAnswer(Struct):
    """All webhooks, the oldest first."""

    webhooks: list[WebhookAnswer]


class SecretAnswer(Struct):
    """A webhook, and the secret that signs: told once, to who asked for it."""

    id: str
    url: str
    kinds: list[str]
    created_ms: int
    rotating_until_ms: int
    secret: str


class RemovedAnswer(Struct):
    """The webhook that is no more."""

    id: str
    url: str


class TestAnswer(Struct):
    """Whether the target took a test event, and if not, why."""

    is_taken: bool
    problem: str


class ReplayAnswer(Struct):
    """How many dead letters are posted again; 10,000: there may be more."""

    replayed: int


class DeadQuery(Input):
    """Which page: what comes after the event `after`, the `next` of the page before."""

    after: Annotated[str, Meta(pattern="^([0-9a-f]{32})?$")] = ""
    limit: Annotated[int, Meta(ge=1, le=_PAGE)] = 50


class DeadLetterAnswer(Struct):
    """An event that is given up, after so many attempts, for the last `problem`."""

    id: str
    kind: str
    user: str
    time_ms: int
    data: dict[str, Any]
    attempts: int
    problem: str


class DeadLettersAnswer(Struct):
    """Dead letters, the oldest first; `next` is the `after` of the page that follows, "" at the end."""

    letters: list[DeadLetterAnswer]
    next: str


class WebhookRoutes:
    """The routes of webhooks."""

    def __init__(self, desk: WebhookDesk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """All of them."""
        all_, one = "/v1/webhooks", "/v1/webhooks/{id}"
        create = Route(
            "POST", all_, "Post events to a URL from now on.", SCOPE, SecretAnswer, self._create, WebhookInput
        )
        return [
            Route("GET", all_, "All webhooks.", SCOPE, WebhooksAnswer, self._list),
            create._replace(is_once=True, codes=(Code.LIMIT_EXCEEDED,)),
            Route("DELETE", one, "Post there no more.", SCOPE, RemovedAnswer, self._remove, codes=_MISSING),
            _post(f"{one}/secret", "Sign by a new secret.", SecretAnswer, self._rotate),
            _post(f"{one}/test", "Post a test event now.", TestAnswer, self._test)._replace(
                seconds=TEST_SECONDS
            ),
            _post(f"{one}/replay", "Post the dead letters again.", ReplayAnswer, self._replay)._replace(
                seconds=_REPLAY_SECONDS
            ),
            Route(
                "GET",
                f"{one}/dead",
                "Dead letters.",
                SCOPE,
                DeadLettersAnswer,
                self._dead,
                query=DeadQuery,
                codes=_MISSING,
            ),
        ]

    async def _list(self, call: Call) -> object:
        return WebhooksAnswer([_answer(each, count) for each, count in await self._desk.all()])

    async def _create(self, call: Call) -> object:
        body: WebhookInput = call.body
        return _with_secret(await self._desk.create(call.token.hex(), body.url, body.kinds))

    async def _remove(self, call: Call) -> object:
        removed = await self._desk.remove(call.path["id"])
        return RemovedAnswer(removed.id, removed.url)

    async def _rotate(self, call: Call) -> object:
        return _with_secret(await self._desk.rotate(call.path["id"]))

    async def _test(self, call: Call) -> object:
        problem = await self._desk.test(call.path["id"], call.token)
        return TestAnswer(not problem, problem)

    async def _replay(self, call: Call) -> object:
        return ReplayAnswer(await self._desk.replay(call.path["id"]))

    async def _dead(self, call: Call) -> object:
        query: DeadQuery = call.query
        page = await self._desk.dead(call.path["id"], bytes.fromhex(query.after), query.limit)
        return DeadLettersAnswer([_letter(each) for each in page.letters], page.next.hex())


def _post(path: str, summary: str, answer: type[Any], run: Any) -> Route:
    return Route("POST", path, summary, SCOPE, answer, run, codes=_MISSING)


def _answer(webhook: Webhook, count: EventCount) -> WebhookAnswer:
    waiting = (count.pending, count.dead, count.oldest_ms)
    return WebhookAnswer(*_told(webhook), *waiting)


def _with_secret(webhook: Webhook) -> SecretAnswer:
    return SecretAnswer(*_told(webhook), secret=webhook.secret)


def _told(webhook: Webhook) -> tuple[str, str, list[str], int, int]:
    return webhook.id, webhook.url, [*webhook.kinds], webhook.created_ms, webhook.old_until_ms


def _letter(letter: DeadLetter) -> DeadLetterAnswer:
    event = letter.event
    data = msgspec.json.decode(event.payload)
    who = (event.id.hex(), event.kind, event.user, event.time_ms)
    return DeadLetterAnswer(*who, data, letter.attempts, letter.error)
