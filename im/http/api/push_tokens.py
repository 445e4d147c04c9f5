"""Push tokens, for back ends that send with them."""

from typing import Annotated

from msgspec import Meta, Struct

from im.business.push_tokens import PushTokenDesk
from im.core.reaching import PLATFORM_CHARACTERS, TOKEN_CHARACTERS, PushTokens
from im.http.api.table import Call, Route
from im.http.api.table import Struct as Input


class RemoveInput(Input):
    """A token that its service says is of no use any more."""

    platform: Annotated[str, Meta(min_length=1, max_length=PLATFORM_CHARACTERS)]
    token: Annotated[str, Meta(min_length=1, max_length=TOKEN_CHARACTERS)]


class PushTokenAnswer(Struct):
    """The token of one device."""

    device: str
    platform: str
    token: str


class PushTokensAnswer(Struct):
    """The tokens of a user's devices; of nobody, if no user had the token that was removed."""

    user: str
    tokens: list[PushTokenAnswer]


class PushTokenRoutes:
    """The routes of push tokens."""

    def __init__(self, desk: PushTokenDesk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """All of them."""
        listing = Route(
            "GET",
            "/v1/users/{user}/push-tokens",
            "By which tokens a user's devices are reached.",
            "users:read",
            PushTokensAnswer,
            self._of,
            own="user",
        )
        remove = Route(
            "POST",
            "/v1/push-tokens/remove",
            "Forget a token that its service refuses.",
            "users:write",
            PushTokensAnswer,
            self._remove,
            RemoveInput,
        )
        return [listing, remove]

    async def _of(self, call: Call) -> object:
        return _answer(await self._desk.of(call.path["user"]))

    async def _remove(self, call: Call) -> object:
        body: RemoveInput = call.body
        return _answer(await self._desk.remove(body.platform, body.token))


def _answer(found: PushTokens) -> PushTokensAnswer:
    return PushTokensAnswer(found.user, [PushTokenAnswer(*each) for each in found.tokens])
