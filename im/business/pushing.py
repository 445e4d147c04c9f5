"""Pushes: from a back end to inboxes and sessions, page by page, so that chat goes on in between."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from im.business.announcement import Announcement
from im.business.push_news import of_push
from im.core.commands import Request, Result
from im.core.errors import Code, Refused, RefusedError, accepted
from im.core.ids import inbox_conversation
from im.core.messages import CursorMoved, MoveDelivered
from im.core.pushing import (
    FindUsers,
    GetPush,
    InboxEntry,
    Push,
    PushRecord,
    PushStored,
    StorePush,
    UsersFound,
)
from im.ports import ISessionRegistry, IStore, Session, Signal

PAGE_USERS = 64
"""In one transaction: a chat message that comes meanwhile waits for no more than that."""

REST = 0.5
"""Of the time that a page took, before the next one: chat gets the rest."""

LOOK_SECONDS = (0.1, 1.6)
"""Before acknowledgements that others store are looked for; doubled each time."""

MOST_WAITING = 100_000
"""Inboxes whose acknowledgement somebody waits for, over all calls."""

Tell = Callable[[Announcement], None]


class PushPorts(NamedTuple):
    """What pushes stand on; `tell` has the nodes told.

    `is_elsewhere`: another process stores pushes and acknowledgements, and tells the nodes of the former.
    """

    store: IStore
    registry: ISessionRegistry
    tell: Tell
    is_elsewhere: bool = False


class Stored(NamedTuple):
    """Where a push stands in the inboxes, and who isn't there."""

    entries: tuple[InboxEntry, ...]
    unknown: tuple[str, ...]


class Signalled(NamedTuple):
    """Who had a session that the signal was sent to, who had none, and who isn't there."""

    online: tuple[str, ...]
    offline: tuple[str, ...]
    unknown: tuple[str, ...]


class Pushes:
    """Sends pushes. Methods raise `RefusedError`, or `UnavailableError`: then the same may be tried again."""

    def __init__(self, clock: IReactorTime, ports: PushPorts) -> None:
        self._clock = clock
        self._store, self._registry, self._tell, self._is_elsewhere = ports
        self._waiting: dict[str, list[tuple[int, _Wait]]] = {}

    async def online(self) -> tuple[str, ...]:
        """Everyone who is online now."""
        sessions: list[Session] = await self._registry.sessions(None)
        return tuple(dict.fromkeys(session.user for session in sessions))

    async def store(self, push: Push, users: Sequence[str]) -> Stored:
        """Put a push into inboxes and on its way to sessions. The same push again is stored once."""
        entries: list[InboxEntry] = []
        unknown: list[str] = []
        for page in _pages(users):
            began = self._clock.seconds()
            (result,) = await self._store.write([StorePush(push, page)])
            stored = accepted(result, PushStored)
            entries += stored.entries
            unknown += stored.unknown
            if not self._is_elsewhere:
                self._deliver(push, stored)
            if len(users) > PAGE_USERS:
                await deferLater(self._clock, REST * (self._clock.seconds() - began))
        return Stored(tuple(entries), tuple(unknown))

    async def signal(self, frame: bytes, users: Sequence[str], device_classes: frozenset[str]) -> Signalled:
        """Send an envelope to the sessions of users: once, to those that are there now."""
        online: list[str] = []
        absent: list[str] = []
        for page in _pages(users):
            located = await self._registry.locate(page)
            here = {user for found in located.values() for user in found}
            online += (user for user in page if user in here)
            absent += (user for user in page if user not in here)
            if here:
                told = Signal(tuple(here), frame, "", device_classes)
                self._tell(Announcement({}, (), (told,), frozenset(here)))
            if len(users) > PAGE_USERS:
                await deferLater(self._clock, 0)
        known = await self._known(absent)
        offline = tuple(user for user in absent if user in known)
        return Signalled(tuple(online), offline, tuple(user for user in absent if user not in known))

    async def record(self, push: bytes, after: str, limit: int) -> PushRecord:
        """What became of a push, one page of its users."""
        return accepted(await self._store.read(GetPush(push, after, limit)), PushRecord)

    async def until_acknowledged(self, entries: Iterable[InboxEntry], push: bytes, seconds: float) -> None:
        """Wait until a device of each user acknowledged, for at most `seconds`."""
        wait = _Wait({inbox_conversation(entry.user) for entry in entries})
        if len(self._waiting) + len(wait.inboxes) > MOST_WAITING:
            raise RefusedError(
                Refused(Code.UNAVAILABLE, "too many pushes are waited for; look later", "wait")
            )
        for entry in entries:
            self._waiting.setdefault(inbox_conversation(entry.user), []).append((entry.seq, wait))
        try:
            await self._forget_acknowledged(push, wait)
            if wait.inboxes and self._is_elsewhere:
                await self._look_for(push, wait, seconds)
            elif wait.inboxes:
                await wait.done.addTimeout(seconds, self._clock)
        except TimeoutError:
            return
        finally:
            for inbox in wait.all:
                self._stop_waiting(inbox, wait)

    def committed(self, requests: Sequence[Request], results: Sequence[Result]) -> None:
        """Take notice of acknowledgements that were stored; an observer of the worker."""
        if not self._waiting:
            return
        for request, result in zip(requests, results, strict=True):
            if isinstance(request.command, MoveDelivered) and isinstance(result, CursorMoved):
                for seq, wait in tuple(self._waiting.get(result.conversation, ())):
                    if result.delivered_seq >= seq:
                        wait.acknowledged(result.conversation)

    async def _look_for(self, push: bytes, wait: "_Wait", seconds: float) -> None:
        pause, longest = LOOK_SECONDS
        until = self._clock.seconds() + seconds
        while wait.inboxes and (left := until - self._clock.seconds()) > 0:
            await deferLater(self._clock, min(pause, left))
            pause = min(2 * pause, longest)
            await self._forget_acknowledged(push, wait)

    async def _forget_acknowledged(self, push: bytes, wait: "_Wait") -> None:
        """What was acknowledged before anybody waited."""
        after = ""
        while True:
            record = await self.record(push, after, PAGE_USERS)
            for user in record.users:
                if any(device.acknowledged_ms for device in user.devices):
                    wait.acknowledged(inbox_conversation(user.user))
            after = record.next
            if not after:
                return

    def _stop_waiting(self, inbox: str, wait: "_Wait") -> None:
        left = [each for each in self._waiting.get(inbox, ()) if each[1] is not wait]
        if left:
            self._waiting[inbox] = left
        else:
            self._waiting.pop(inbox, None)

    async def _known(self, users: Sequence[str]) -> frozenset[str]:
        known: set[str] = set()
        for page in _pages(users):
            found = await self._store.read(FindUsers(page))
            assert isinstance(found, UsersFound)
            known |= found.users
        return frozenset(known)

    def _deliver(self, push: Push, stored: PushStored) -> None:
        deliveries = of_push(push, stored)
        if deliveries:
            users = frozenset(user for delivery in deliveries for user in delivery.users)
            self._tell(Announcement({}, deliveries, (), users))


class _Wait:
    """One call that waits for acknowledgements; `inboxes` are those still missing."""

    def __init__(self, inboxes: set[str]) -> None:
        self.all = frozenset(inboxes)
        self.inboxes = inboxes
        self.done: Deferred[None] = Deferred()

    def acknowledged(self, inbox: str) -> None:
        """One less."""
        self.inboxes.discard(inbox)
        if not self.inboxes and not self.done.called:
            self.done.callback(None)


def _pages(users: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(users), PAGE_USERS):
        yield tuple(users[start : start + PAGE_USERS])
