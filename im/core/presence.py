"""Who is online: what is asked of the store, who may ask it, and what watchers are shown.

See `im.core.commands`.
"""

import enum
from typing import NamedTuple


class Visibility(enum.Enum):
    """Whom a user may watch: everyone, only those with whom there is a direct conversation, or nobody.

    One may always watch oneself.
    """

    EVERYONE = "everyone"
    CONTACTS = "contacts"
    NOBODY = "nobody"

    def question(self, viewer: str, users: tuple[str, ...]) -> "FindPresence":
        """What to ask the store in the name of `viewer`."""
        if self is Visibility.EVERYONE:
            return FindPresence(users)
        if self is Visibility.CONTACTS:
            return FindPresence(users, viewer)
        return FindPresence(tuple(user for user in users if user == viewer))


class OnlineDevice(NamedTuple):
    """A class of devices of which one at least is online; `is_foreground` if the app of any is."""

    device_class: str
    is_foreground: bool


class Presence(NamedTuple):
    """One user's; `devices` by class, none of who is offline.

    `last_seen_ms` is when one who is offline was last heard; 0: never, or it isn't known any more.
    """

    user: str
    devices: tuple[OnlineDevice, ...] = ()
    last_seen_ms: int = 0

    @property
    def is_online(self) -> bool:
        """Whether any device is."""
        return bool(self.devices)


class FindPresence(NamedTuple):
    """Query: who of `users` is online? Result `PresenceFound`.

    With a `viewer`: only of the viewer and of those who have a direct conversation with the viewer.
    """

    users: tuple[str, ...]
    viewer: str = ""


class PresenceFound(NamedTuple):
    """In the order of the question; who is not known is offline, who may not be seen is left out."""

    presences: tuple[Presence, ...]


def online_devices(sessions: list[tuple[str, bool]]) -> tuple[OnlineDevice, ...]:
    """The classes of open sessions, each with its class and whether its app is in the foreground."""
    classes: dict[str, bool] = {}
    for device_class, is_foreground in sessions:
        classes[device_class] = is_foreground or classes.get(device_class, False)
    return tuple(OnlineDevice(*each) for each in sorted(classes.items()))


class Shown:
    """What watchers are shown of one user: a device that comes at once, one that goes after a grace.

    So nobody sees a reconnect within the grace. Times are in any unit that only grows.
    """

    __slots__ = ("_gone_at", "presence")

    def __init__(self, presence: Presence) -> None:
        self.presence = presence
        self._gone_at: dict[str, int] = {}

    def take(self, present: Presence, now: int, grace: int) -> bool:
        """Take the present state over; whether there is anything to tell."""
        here = {device.device_class for device in present.devices}
        gone_at: dict[str, int] = {}
        devices = [*present.devices]
        for device in self.presence.devices:
            if device.device_class not in here:
                since = self._gone_at.get(device.device_class, now)
                if now - since < grace:
                    gone_at[device.device_class] = since
                    devices.append(device)
        self._gone_at = gone_at
        shown = Presence(present.user, tuple(sorted(devices)), 0 if devices else present.last_seen_ms)
        is_changed = shown != self.presence
        self.presence = shown
        return is_changed

    def look_again_at(self, grace: int) -> int | None:
        """When the grace of a device ends, if one is in it."""
        return min(self._gone_at.values()) + grace if self._gone_at else None
