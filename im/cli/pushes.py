"""What a back end pushed, in words."""

import json

from im.client.core.events import Message, Pushed
from im.client.pushes import is_shown, pushed
from im.wire.types import EVENT


def push_text(push: Pushed) -> str:
    """A generic event as JSON on one line, a text as it is; of an app's type its number and size."""
    if push.type != EVENT:
        return f"(type {push.type}, {len(push.body)} bytes)"
    try:
        event = push.json
    except ValueError:
        return "(no JSON)"
    return event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)


def may_show(message: Message, now_ms: int, device_class: str) -> bool:
    """Whether a message is to be shown here: all are, but pushes for others, or whose time is over."""
    push = pushed(message)
    return push is None or is_shown(push, now_ms, device_class)
