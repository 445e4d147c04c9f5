"""What every authenticator does."""

from collections.abc import Callable

from twisted.trial.unittest import TestCase

from im.core.errors import Code, RefusedError
from im.ports import IAuthenticator


class AuthenticatorContract(TestCase):
    """Mix in with `authenticator`, `mint(user, seconds, scopes)` and `advance(seconds)` made in `setUp`.

    `scopes` are those that its tokens can open.
    """

    scopes = frozenset({"user", "admin"})

    authenticator: IAuthenticator
    mint: Callable[[str, float, frozenset[str]], str]
    advance: Callable[[float], None]

    async def _refusal(self, token: str) -> RefusedError:
        try:
            identity = await self.authenticator.authenticate(token)
        except RefusedError as error:
            return error
        self.fail(f"taken for {identity}")

    async def test_a_good_token_tells_the_user_and_the_scopes(self) -> None:
        identity = await self.authenticator.authenticate(self.mint("alice", 60, self.scopes))
        self.assertEqual("alice", identity.user)
        self.assertEqual(self.scopes, identity.scopes)

    async def test_the_end_of_a_token_is_told(self) -> None:
        sooner = await self.authenticator.authenticate(self.mint("alice", 60, frozenset({"user"})))
        later = await self.authenticator.authenticate(self.mint("alice", 600, frozenset({"user"})))
        self.assertEqual(540, later.expires_at - sooner.expires_at)

    async def test_the_same_token_counts_again(self) -> None:
        token = self.mint("alice", 60, frozenset({"user"}))
        first = await self.authenticator.authenticate(token)
        self.assertEqual(first, await self.authenticator.authenticate(token))

    async def test_garbage_is_unauthenticated(self) -> None:
        for token in ("", "garbage", "a.b.c", "ä" * 100, "\ud800", "x" * 100_000, "\0"):
            error = await self._refusal(token)
            self.assertEqual(Code.UNAUTHENTICATED, error.refused.code)

    async def test_an_old_token_is_expired(self) -> None:
        token = self.mint("alice", 60, frozenset({"user"}))
        self.advance(100_000)
        error = await self._refusal(token)
        self.assertEqual(Code.EXPIRED, error.refused.code)

    async def test_a_changed_token_is_unauthenticated_and_never_told(self) -> None:
        token = self.mint("alice", 60, frozenset({"user"}))
        middle = len(token) // 2
        changed = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
        error = await self._refusal(changed)
        self.assertEqual(Code.UNAUTHENTICATED, error.refused.code)
        self.assertNotIn(changed, str(error) + repr(error.refused))
