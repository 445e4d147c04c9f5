"""The users whose presence the app watches: asked for again at each login, told where it changed."""

from collections.abc import Iterable

from google.protobuf.message import Message as Body

from im.client.core.events import Effects, PresenceChanged, Refusal
from im.client.core.requests import NextId, Outcome, Requests
from im.core.presence import OnlineDevice, Presence
from im.proto import presence_pb2, session_pb2
from im.wire.codec import pack

USERS_A_FRAME = 100


class Watching:
    """What is watched, and the last that was told of it. It stands over any number of connections.

    A request of the front is answered once all of its users were, with those whom it may watch.
    """

    def __init__(self, effects: Effects, requests: Requests, next_id: NextId) -> None:
        self._effects = effects
        self._requests = requests
        self._next_id = next_id
        self._wanted: dict[str, None] = {}
        self._known: dict[str, Presence] = {}
        self._unanswered: set[str] = set()
        self._waiting: dict[int, tuple[str, ...]] = {}
        self._is_online = False

    def get(self, user: str) -> Presence | None:
        """What was told of a user last; None if nothing was yet, or the user isn't watched."""
        return self._known.get(user)

    def watch(self, request: int, users: Iterable[str], now: float) -> None:
        """Watch users; `request` is a number of the front's, which waits."""
        asked = tuple(dict.fromkeys(users))
        self._wanted.update(dict.fromkeys(asked))
        self._unanswered.update(asked)
        self._waiting[request] = asked
        self._requests.ask(request, b"", now)
        if self._is_online:
            self._ask(asked, now)
        self._settle(now)

    def unwatch(self, users: Iterable[str], now: float) -> None:
        """Watch users no more."""
        going = tuple(user for user in dict.fromkeys(users) if user in self._wanted)
        for user in going:
            self._forget(user)
        if self._is_online:
            for page in _pages(going):
                request = self._next_id()
                frame = pack(presence_pb2.Unwatch(users=page), request)
                self._requests.ask(request, frame, now, Outcome(_done, _refused))
        self._settle(now)

    def online(self, now: float) -> None:
        """A session stands: it watches nobody yet."""
        self._is_online = True
        self._unanswered = set(self._wanted)
        self._ask(tuple(self._wanted), now)

    def offline(self) -> None:
        """The session is over; what was told stays."""
        self._is_online = False

    def changed(self, body: presence_pb2.Presence) -> None:
        """A PRESENCE came."""
        if body.user not in self._wanted:
            return
        classes = [
            OnlineDevice(each.device_class, each.app_state == session_pb2.FOREGROUND) for each in body.devices
        ]
        presence = Presence(body.user, tuple(classes), body.last_seen_ms)
        if self._known.get(body.user) != presence:
            self._known[body.user] = presence
            self._effects.events.append(PresenceChanged(presence))

    def _ask(self, users: tuple[str, ...], now: float) -> None:
        for page in _pages(users):
            self._ask_page(page, now)

    def _ask_page(self, page: tuple[str, ...], now: float) -> None:
        def answered(body: Body, when: float) -> None:
            if isinstance(body, presence_pb2.Watched):
                for presence in body.users:
                    self.changed(presence)
                for user in body.refused:
                    self._forget(user)
            self._unanswered.difference_update(page)
            self._settle(when)

        def refused(refusal: Refusal, when: float) -> None:
            for user in page:
                self._forget(user)
            for request, users in list(self._waiting.items()):
                if not set(users).isdisjoint(page):
                    del self._waiting[request]
                    self._requests.refused(request, refusal, when)
            self._settle(when)

        request = self._next_id()
        frame = pack(presence_pb2.Watch(users=page), request)
        self._requests.ask(request, frame, now, Outcome(answered, refused))

    def _forget(self, user: str) -> None:
        self._wanted.pop(user, None)
        self._known.pop(user, None)
        self._unanswered.discard(user)

    def _settle(self, now: float) -> None:
        for request, users in list(self._waiting.items()):
            if self._unanswered.isdisjoint(users):
                del self._waiting[request]
                self._requests.answered(request, None, now)


def _pages(users: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [users[start : start + USERS_A_FRAME] for start in range(0, len(users), USERS_A_FRAME)]


def _done(body: Body, now: float) -> None:
    """Nobody waits for it."""


def _refused(refusal: Refusal, now: float) -> None:
    """Nobody waits for it."""
