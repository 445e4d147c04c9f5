"""Who may be online: ends sessions, logs devices out, shuts users out, at once on every connection.

Store first, then look who is there. A login that is on its way meanwhile is found there, or its
sync, which comes after its registration, is refused.
"""

from collections.abc import Callable

from twisted.internet.defer import Deferred

from im.business.whole import whole
from im.core.commands import LoggedOut, LogOut, Result, SetDisabled, UserState, Write
from im.core.errors import Code, Refused, accepted
from im.ports import Eviction, INodeBus, ISessionRegistry, IStore, NodeBatch, Session

Chosen = Callable[[Session], bool]


class Access:
    """Each method is idempotent; those that end sessions return how many were told to end.

    They raise `RefusedError` or `UnavailableError`. Who stops waiting stops nothing: what was begun is
    done whole, so that nobody who was shut out stays. `now_ms` tells Unix ms.
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
        log_out = LogOut(user, device, self._now_ms())
        ended = Refused(Code.LOGGED_OUT, "this device was logged out")
        return await self._shut_out(log_out, LoggedOut, lambda session: session.device == device, ended)

    async def disable(self, user: str) -> int:
        """Shut a user out: no login, no send, sessions end."""
        ended = Refused(Code.DISABLED, "this user is disabled")
        return await self._shut_out(SetDisabled(user, True), UserState, lambda _: True, ended)

    async def enable(self, user: str) -> None:
        """Let a user in again."""
        await self._write(SetDisabled(user, False), UserState)

    def _shut_out(
        self, write: LogOut | SetDisabled, expected: type[Result], chosen: Chosen, why: Refused
    ) -> Deferred[int]:
        async def shut_out() -> int:
            await self._write(write, expected)
            return await self._evict(write.user, chosen, why)

        return whole(Deferred.fromCoroutine(shut_out()))

    async def _write(self, write: Write, expected: type[Result]) -> None:
        (result,) = await self._store.write([write])
        accepted(result, expected)

    async def _evict(self, user: str, chosen: Chosen, why: Refused) -> int:
        by_address: dict[str, list[Eviction]] = {}
        for session in filter(chosen, await self._registry.sessions(user)):
            by_address.setdefault(session.address, []).append(Eviction(session.id, why.code, why.text))
        for address, evictions in by_address.items():
            self._bus.publish(address, NodeBatch(evictions=evictions))
        return sum(map(len, by_address.values()))
