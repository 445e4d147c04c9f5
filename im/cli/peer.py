"""Whether the other side of a chat is online, as far as one may know."""

from collections.abc import Callable

from twisted.python.failure import Failure

from im.cli.seen import BACKGROUND, seen
from im.client.client import Client
from im.client.errors import ClientError
from im.core.presence import Presence


class Peer:
    """Watches one user, "" nobody; whom one may not watch yet, again when `look` is called again."""

    def __init__(self, client: Client, user: str, show: Callable[[Presence], None]) -> None:
        self._client = client
        self._user = user
        self._show = show
        self._is_watched = False
        client.on_presence(self._changed)

    def turn_to(self, user: str) -> None:
        """Watch another user from now on."""
        if self._is_watched:
            self._client.unwatch([self._user])
        self._user = user
        self._is_watched = False
        self.look()

    def look(self) -> None:
        """Begin to watch, unless it is."""
        user = self._user
        if user and not self._is_watched:
            self._is_watched = True
            self._client.watch([user]).addCallbacks(
                self._watched, self._not_watched, callbackArgs=(user,), errbackArgs=(user,)
            )

    def _changed(self, presence: Presence) -> None:
        if presence.user == self._user:
            self._show(presence)

    def _watched(self, presences: list[Presence], user: str) -> None:
        if user == self._user:
            self._is_watched = bool(presences)

    def _not_watched(self, failure: Failure, user: str) -> None:
        failure.trap(ClientError)
        if user == self._user:
            self._is_watched = False


def in_words(presence: Presence) -> str:
    """`online: phone`, or `last seen 2026-11-24 10:00:00`."""
    devices = [(name, "" if is_foreground else BACKGROUND) for name, is_foreground in presence.devices]
    return seen(devices, presence.last_seen_ms)
