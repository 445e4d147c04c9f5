"""The authenticator of signed tokens."""

from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from im.adapters.token.signed import SignedTokens
from im.core.errors import RefusedError
from im.ports import IAuthenticator, Identity


@implementer(IAuthenticator)
class TokenAuthenticator:
    """Checks a token at once, with no other service."""

    def __init__(self, tokens: SignedTokens) -> None:
        self._tokens = tokens

    def authenticate(self, token: str) -> "Deferred[Identity]":
        """Check a token; see the port."""
        try:
            return succeed(self._tokens.verify(token))
        except RefusedError as error:
            return fail(error)
