"""Push tokens as back ends need them: those of a user, and the end of one that its service refuses."""

from im.core.errors import accepted
from im.core.reaching import ListPushTokens, PushTokens, RemovePushToken
from im.ports import IStore


class PushTokenDesk:
    """Each method is idempotent, and raises `RefusedError` or `UnavailableError`."""

    def __init__(self, store: IStore) -> None:
        self._store = store

    async def of(self, user: str) -> PushTokens:
        """The tokens of a user's devices."""
        return accepted(await self._store.read(ListPushTokens(user)), PushTokens)

    async def remove(self, platform: str, token: str) -> PushTokens:
        """Forget a token, whoever has it; what that user has left, or nobody and nothing."""
        (result,) = await self._store.write([RemovePushToken(platform, token)])
        return accepted(result, PushTokens)
