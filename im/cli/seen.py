"""Whether somebody is online, in words."""

from collections.abc import Iterable

from im.cli.output import shown
from im.cli.records import moment

BACKGROUND = "background"


def seen(devices: Iterable[tuple[str, str]], last_seen_ms: int) -> str:
    """From device classes with their app states, and the moment last heard, Unix ms; 0: never."""
    online = [
        f"{shown(name)} ({BACKGROUND})" if state == BACKGROUND else shown(name) for name, state in devices
    ]
    if online:
        return f"online: {', '.join(online)}"
    return f"last seen {moment(last_seen_ms)}" if last_seen_ms else "never seen"
