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
        self._is_watched = not user
        client.on_presence(show)

    def look(self) -> None:
        """Begin to watch, unless it is."""
        if not self._is_watched:
            self._is_watched = True
            self._client.watch([self._user]).addCallbacks(self._watched, self._not_watched)

    def _watched(self, presences: list[Presence]) -> None:
        self._is_watched = bool(presences)

    def _not_watched(self, failure: Failure) -> None:
        failure.trap(ClientError)
        self._is_watched = False


def in_words(presence: Presence) -> str:
    """`online: phone`, or `last seen 2026-11-24 10:00:00`."""
    devices = [(name, "" if is_foreground else BACKGROUND) for name, is_foreground in presence.devices]
    return seen(devices, presence.last_seen_ms)
