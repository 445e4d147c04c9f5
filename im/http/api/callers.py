"""Who calls the API, by a key or a user's own token; and how often."""

from collections import OrderedDict
from typing import NamedTuple, Protocol

from im.business.keys import PREFIX, Keys
from im.core.backends import SCOPES
from im.core.errors import Code, Refused, RefusedError
from im.core.rate import Rate, TokenBucket
from im.http.api.table import Caller
from im.ports import IAuthenticator

MOST_REMEMBERED = 10_000
"""Keys, users and addresses whose rate is known. Who is forgotten begins anew."""

MOST_CREDENTIAL_CHARACTERS = 4_096

ADMIN = "admin"


class Callers(Protocol):
    """Tells who calls."""

    async def caller(self, authorization: str) -> Caller:
        """The caller by the Authorization header. Raises `RefusedError` or `UnavailableError`."""


class PublicCallers(NamedTuple):
    """Back ends by their keys, users by their own tokens."""

    keys: Keys
    authenticator: IAuthenticator

    async def caller(self, authorization: str) -> Caller:
        """See `Callers`."""
        token = bearer(authorization)
        if token.startswith(PREFIX):
            key = await self.keys.find(token)
            return Caller(f"key {key.id}", "", frozenset(key.scopes))
        identity = await self.authenticator.authenticate(token)
        return Caller(f"user {identity.user}", identity.user, frozenset())


class Operators(NamedTuple):
    """Operators, who may everything, by the tokens that the admin port takes."""

    authenticator: IAuthenticator

    async def caller(self, authorization: str) -> Caller:
        """See `Callers`."""
        identity = await self.authenticator.authenticate(bearer(authorization))
        if ADMIN not in identity.scopes:
            raise RefusedError(Refused(Code.PERMISSION_DENIED, f"needs the scope {ADMIN}"))
        return Caller(f"operator {identity.user}", "", frozenset({ADMIN, *SCOPES}))


class Rates:
    """A bounded number of token buckets, those used last. Times are in seconds."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def take(self, who: str, now: float) -> None:
        """Count a request of `who`. Raises `RefusedError` (`rate_limited`)."""
        bucket = self._buckets.get(who)
        if bucket is None:
            bucket = self._buckets[who] = TokenBucket(self._rate)
            if len(self._buckets) > MOST_REMEMBERED:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(who)
        wait = bucket.take(now)
        if wait > 0.0:
            text = "too many requests; come back later"
            raise RefusedError(Refused(Code.RATE_LIMITED, text, "", int(wait * 1000) + 1))


def bearer(authorization: str) -> str:
    """The credential of an Authorization header. Raises `RefusedError`."""
    kind, _, token = authorization.partition(" ")
    if kind.lower() != "bearer" or not 1 <= len(token) <= MOST_CREDENTIAL_CHARACTERS:
        text = "needs a key or a token: Authorization: Bearer …"
        raise RefusedError(Refused(Code.UNAUTHENTICATED, text))
    return token.strip()
