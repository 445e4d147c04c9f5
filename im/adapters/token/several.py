"""Several authenticators, asked in order; and what is counted of logins."""

from collections.abc import Sequence

from twisted.internet.defer import Deferred, TimeoutError
from twisted.python.failure import Failure
from zope.interface import implementer

from im.adapters.token.claims import TokenRefusedError
from im.core.errors import Code, RefusedError
from im.ports import IAuthenticator, Identity, UnavailableError


class TokenCounters:
    """`refusals`: tokens that were not taken, by reason."""

    def __init__(self) -> None:
        self.refusals: dict[str, int] = {}

    def refused(self, reason: str) -> None:
        """Count one."""
        self.refusals[reason] = self.refusals.get(reason, 0) + 1


@implementer(IAuthenticator)
class SeveralAuthenticators:
    """Takes a token that one of its authenticators takes, the first one first.

    If none does, it tells what helps most: that the token has expired, that one of them cannot
    work now, else what the first one said.
    """

    def __init__(self, authenticators: Sequence[IAuthenticator], counters: TokenCounters) -> None:
        self._authenticators = authenticators
        self._counters = counters

    def authenticate(self, token: str) -> "Deferred[Identity]":
        """Check a token; see the port."""
        if len(self._authenticators) == 1:
            checking: Deferred[Identity] = self._authenticators[0].authenticate(token)
        else:
            checking = Deferred.fromCoroutine(self._ask_all(token))
        return checking.addErrback(self._count)

    async def _ask_all(self, token: str) -> Identity:
        refusals: list[Exception] = []
        for authenticator in self._authenticators:
            try:
                return await authenticator.authenticate(token)
            except (RefusedError, UnavailableError, TimeoutError) as error:
                refusals.append(error)
        raise min(refusals, key=_rank)

    def _count(self, failure: Failure) -> Failure:
        error = failure.value
        if isinstance(error, TokenRefusedError):
            self._counters.refused(error.reason)
        elif isinstance(error, RefusedError):
            self._counters.refused(error.refused.code.label)
        else:
            self._counters.refused("failed")
        return failure


def _rank(error: Exception) -> int:
    if not isinstance(error, RefusedError):
        return 1
    return {Code.EXPIRED: 0, Code.UNAVAILABLE: 1}.get(error.refused.code, 2)
