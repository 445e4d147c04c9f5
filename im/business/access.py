"""Who may be online: ends sessions, logs devices out, shuts users out, at once on every connection.

Store first, then look who is there. A login that is on its way meanwhile is found there, or its
sync, which comes after its registration, is refused.
"""

from collections.abc import Callable

from im.core.commands import LoggedOut, LogOut, Result, SetDisabled, UserState, Write
from im.core.errors import Code, Refused, RefusedError
from im.ports import Eviction, INodeBus, ISessionRegistry, IStore, NodeBatch, Session

Chosen = Callable[[Session], bool]


class Access:
    """Each method is idempotent; those that end sessions return how many were told to end.

    They raise `RefusedError` or `UnavailableError`. `now_ms` tells Unix ms.
    """

    def __init__(
        self, store: IStore, registry: ISessionRegistry, bus: INodeBus, now_ms: Callable[[], int]
    ) -> None:
        self._store = store
        self._registry = registry
        self._bus = bus
        self._now_ms = now_ms

    async def kick(self, user: str, chosen: Chosen, text: str) -> int:
        """End a user's sessions, of those `chosen`. They may come back."""
        return await self._evict(user, chosen, Refused(Code.KICKED, text))

    async def log_out(self, user: str, device: str) -> int:
        """End a device's sessions and let it come back with a newer token only."""
        await self._write(LogOut(user, device, self._now_ms()), LoggedOut)
        ended = Refused(Code.LOGGED_OUT, "this device was logged out")
        return await self._evict(user, lambda session: session.device == device, ended)

    async def disable(self, user: str) -> int:
        """Shut a user out: no login, no send, sessions end."""
        await self._write(SetDisabled(user, True), UserState)
        return await self._evict(user, lambda _: True, Refused(Code.DISABLED, "this user is disabled"))

    async def enable(self, user: str) -> None:
        """Let a user in again."""
        await self._write(SetDisabled(user, False), UserState)

    async def _write(self, write: Write, expected: type[Result]) -> None:
        (result,) = await self._store.write([write])
        if isinstance(result, Refused):
            raise RefusedError(result)
        assert isinstance(result, expected)

    async def _evict(self, user: str, chosen: Chosen, why: Refused) -> int:
        by_node: dict[str, list[Eviction]] = {}
        for session in filter(chosen, await self._registry.sessions(user)):
            by_node.setdefault(session.node, []).append(Eviction(session.id, why.code, why.text))
        for node, evictions in by_node.items():
            self._bus.publish(node, NodeBatch(evictions=evictions))
        return sum(map(len, by_node.values()))
