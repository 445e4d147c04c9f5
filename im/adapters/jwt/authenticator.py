"""The authenticator of tokens that somebody else signs."""

from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from im.adapters.jwt.sources import KeySource
from im.adapters.jwt.verifier import Header, JwtVerifier, UnknownKeyError
from im.adapters.token.claims import TokenRefusedError
from im.core.errors import Code, RefusedError
from im.ports import IAuthenticator, Identity


@implementer(IAuthenticator)
class JwtAuthenticator:
    """Checks a token with the keys there are; waits for newer ones only if it names an unknown one."""

    def __init__(self, verifier: JwtVerifier, source: KeySource) -> None:
        self._verifier = verifier
        self._source = source

    def authenticate(self, token: str) -> "Deferred[Identity]":
        """Check a token; see the port. Fires at once where its key is known."""
        try:
            header = self._verifier.header(token)
            return succeed(self._verify(token, header))
        except UnknownKeyError:
            return Deferred.fromCoroutine(self._look_again(token, header))
        except RefusedError as error:
            return fail(error)

    def _verify(self, token: str, header: Header) -> Identity:
        keys = self._source.keys()
        if keys is None:
            raise UnknownKeyError
        return self._verifier.verify(token, header, keys)

    async def _look_again(self, token: str, header: Header) -> Identity:
        is_current = await self._source.look_again()
        try:
            return self._verify(token, header)
        except UnknownKeyError:
            if is_current:
                raise TokenRefusedError("unknown_key", "the token is signed by an unknown key") from None
            text = "the keys that check tokens cannot be read now; try again"
            raise TokenRefusedError("no_keys", text, Code.UNAVAILABLE) from None
