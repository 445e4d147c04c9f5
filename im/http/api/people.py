"""Users, their tokens and their sessions."""

from collections.abc import Callable
from typing import Annotated

from msgspec import Meta, Struct, field

from im.business.access import Access
from im.business.users import NewUser, Users
from im.core.commands import ProfileRecord, SetProfile
from im.core.errors import Code, RefusedError, invalid
from im.core.ids import id_problem
from im.http.api.table import Call, Route
from im.http.api.table import Struct as Input
from im.ports import ISessionRegistry

UserId = Annotated[str, Meta(min_length=1, max_length=64)]
Mint = Callable[[str, float], str]
"""Makes a token for a user that is good for some seconds."""

MOST_IMPORTED = 1_000
_REFUSED = (Code.NOT_FOUND,)


class ProfileInput(Input):
    """A change of a profile: what is absent stays, an empty value in `fields` removes its key."""

    name: str | None = None
    avatar: str | None = None
    fields: dict[str, str] = field(default_factory=dict)


class UserInput(ProfileInput, kw_only=True):
    """A user to be made."""

    user: UserId


class ImportInput(Input):
    """Users to be made."""

    users: Annotated[list[UserInput], Meta(min_length=1, max_length=MOST_IMPORTED)]


class TokenInput(Input):
    """A token to be made."""

    user: UserId
    ttl_seconds: Annotated[int, Meta(ge=1, le=31_536_000)] = 3_600


class KickInput(Input):
    """Whose sessions to end: all of a user, or those of a device, or one."""

    user: UserId
    device: Annotated[str, Meta(max_length=64)] = ""
    session: Annotated[str, Meta(max_length=64)] = ""
    text: Annotated[str, Meta(max_length=64)] = ""


class SessionsQuery(Input):
    """Whose sessions."""

    user: Annotated[str, Meta(max_length=64)] = ""
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100


class ProfileAnswer(Struct):
    """What others see of a user."""

    user: str
    name: str
    avatar: str
    fields: dict[str, str]


class RefusedUser(Struct):
    """A user of an import who was refused, and why."""

    user: str
    code: str
    text: str


class ImportAnswer(Struct):
    """How many users are there now, and who was refused."""

    imported: int
    refused: list[RefusedUser]


class TokenAnswer(Struct):
    """A token for a client of the user."""

    token: str
    ttl_seconds: int


class EvictedAnswer(Struct):
    """How many sessions were told to end."""

    evicted: int


class SessionAnswer(Struct):
    """One session."""

    session: str
    user: str
    device: str
    device_class: str
    node: str


class SessionsAnswer(Struct):
    """Sessions by user; `more` where the limit left some out."""

    sessions: list[SessionAnswer]
    more: bool


class People:
    """The routes of users, tokens and sessions."""

    def __init__(self, users: Users, access: Access, registry: ISessionRegistry, mint: Mint) -> None:
        self._users = users
        self._access = access
        self._registry = registry
        self._mint = mint

    def routes(self) -> list[Route]:
        """All of them."""
        return [*self._making(), *self._of_one(), *self._of_sessions()]

    def _making(self) -> list[Route]:
        making = Route(
            "POST",
            "/v1/users",
            "Make a user known.",
            "users:write",
            ProfileAnswer,
            self._create,
            UserInput,
            is_once=True,
        )
        many = making._replace(
            path="/v1/users/import",
            summary="Make many users known.",
            answer=ImportAnswer,
            run=self._import,
            body=ImportInput,
            seconds=30.0,
        )
        token = Route(
            "POST",
            "/v1/tokens",
            "Make a token for a user.",
            "tokens",
            TokenAnswer,
            self._token,
            TokenInput,
        )
        return [making, many, token]

    def _of_one(self) -> list[Route]:
        path, write = "/v1/users/{user}", "users:write"
        get = Route(
            "GET",
            path,
            "What others see of a user.",
            "users:read",
            ProfileAnswer,
            self._get,
            own="user",
            codes=_REFUSED,
        )
        change = get._replace(
            method="PATCH",
            summary="Change a profile.",
            scope=write,
            run=self._change,
            body=ProfileInput,
        )
        disable = Route(
            "POST",
            f"{path}/disable",
            "Shut a user out.",
            write,
            EvictedAnswer,
            self._disable,
            codes=_REFUSED,
        )
        enable = disable._replace(path=f"{path}/enable", summary="Let a user in again.", run=self._enable)
        return [get, change, disable, enable]

    def _of_sessions(self) -> list[Route]:
        listing = Route(
            "GET",
            "/v1/sessions",
            "Who is connected.",
            "sessions",
            SessionsAnswer,
            self._sessions,
            query=SessionsQuery,
            own="user",
        )
        kick = Route(
            "POST",
            "/v1/sessions/kick",
            "End sessions of a user; they may come back.",
            "sessions",
            EvictedAnswer,
            self._kick,
            KickInput,
        )
        return [listing, kick]

    async def _create(self, call: Call) -> object:
        return _profile(await self._users.create(_new_user(call.body)))

    async def _import(self, call: Call) -> object:
        users = [_new_user(each) for each in call.body.users]
        refused = await self._users.import_all(users)
        rows = [RefusedUser(user, why.code.label, why.text) for user, why in refused.items()]
        return ImportAnswer(len({user.user for user in users}) - len(rows), rows)

    async def _get(self, call: Call) -> object:
        return _profile(await self._users.profile(call.path["user"]))

    async def _change(self, call: Call) -> object:
        body: ProfileInput = call.body
        change = SetProfile(call.path["user"], body.name, body.avatar, body.fields)
        return _profile(await self._users.change(change))

    async def _disable(self, call: Call) -> object:
        return EvictedAnswer(await self._access.disable(call.path["user"]))

    async def _enable(self, call: Call) -> object:
        await self._access.enable(call.path["user"])
        return EvictedAnswer(0)

    async def _token(self, call: Call) -> object:
        body: TokenInput = call.body
        problem = id_problem(body.user, "user")
        if problem is not None:
            raise RefusedError(problem)
        return TokenAnswer(self._mint(body.user, body.ttl_seconds), body.ttl_seconds)

    async def _sessions(self, call: Call) -> object:
        query: SessionsQuery = call.query
        found = await self._registry.sessions(query.user or None)
        found.sort(key=lambda each: (each.user, each.id))
        shown = [
            SessionAnswer(each.id, each.user, each.device, each.device_class, each.node)
            for each in found[: query.limit]
        ]
        return SessionsAnswer(shown, len(found) > len(shown))

    async def _kick(self, call: Call) -> object:
        body: KickInput = call.body
        if not body.text.isprintable():
            raise RefusedError(invalid("text", "text must be printable"))
        evicted = await self._access.kick(
            body.user,
            lambda each: body.device in ("", each.device) and body.session in ("", each.id),
            body.text or "ended by the app's back end",
        )
        return EvictedAnswer(evicted)


def _new_user(body: UserInput) -> NewUser:
    return NewUser(body.user, body.name, body.avatar, body.fields)


def _profile(record: ProfileRecord) -> ProfileAnswer:
    return ProfileAnswer(*record)
