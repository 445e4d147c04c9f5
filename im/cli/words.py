"""What an entry says, in words for people."""

from collections.abc import Callable

from im.cli.pushes import push_text
from im.client.core.contents import Change, GroupEvent, change_of, group_event_of, rich_of, text_of
from im.client.pushes import push_of
from im.core.entries import (
    EDIT,
    GROUP_CREATED,
    GROUP_DISSOLVED,
    GROUP_SET,
    KINDS,
    MEMBER_LEFT,
    MEMBER_SILENCED,
    MEMBERS_ADDED,
    MEMBERS_REMOVED,
    OWNER_SET,
    PLACEHOLDER,
    PUSH,
    REACTION,
    RECALL,
    RECALLED,
    RELATION,
    RICH,
    ROLE_SET,
    TEXT,
)


def in_words(kind: int, content: bytes) -> str:
    """A text as it is, and what was pushed; of every other kind what it is, in brackets."""
    say = _SAY.get(kind)
    said = say(kind, content) if say is not None else ""
    return said or f"({_names.get(kind, f'message of kind {kind}')})"


def _text(kind: int, content: bytes) -> str:
    return text_of(kind, content)


def _rich(kind: int, content: bytes) -> str:
    rich = rich_of(kind, content)
    if rich is None:
        return ""
    answers = f"(to {rich.reply_to}) " if rich.reply_to else ""
    named = ["@everyone"] if rich.mentions_everyone else []
    to = " ".join([*named, *(f"@{user}" for user in rich.mentions)])
    return answers + in_words(rich.kind, rich.content) + (f" ({to})" if to else "")


def _push(kind: int, content: bytes) -> str:
    push = push_of(kind, content)
    return push_text(push) if push is not None else ""


def _relation(kind: int, content: bytes) -> str:
    name = content.decode("utf-8", "replace")
    return f"({name})" if name else ""


def _changed(kind: int, content: bytes) -> str:
    change = change_of(kind, content)
    return f"({_CHANGES[kind](change)})" if change is not None else ""


def _happened(kind: int, content: bytes) -> str:
    event = group_event_of(kind, content)
    return f"({_EVENTS[kind](event, ', '.join(event.users))})" if event is not None else ""


def _reaction(change: Change) -> str:
    verb = "set to" if change.is_set else "taken from"
    return f"{change.reaction} {verb} {change.target}"


_CHANGES: dict[int, Callable[[Change], str]] = {
    RECALL: lambda change: f"{change.target} recalled",
    EDIT: lambda change: f"{change.target} edited",
    REACTION: _reaction,
}

_EVENTS: dict[int, Callable[[GroupEvent, str], str]] = {
    GROUP_CREATED: lambda event, users: f'group "{event.name}" made with {users}',
    GROUP_SET: lambda event, users: f'group is "{event.name}" now' if event.name else "group described anew",
    MEMBERS_ADDED: lambda event, users: f"{users} {event.how}",
    MEMBER_LEFT: lambda event, users: f"{users} left".strip(),
    MEMBERS_REMOVED: lambda event, users: f"{users} put out",
    ROLE_SET: lambda event, users: f"{users} is {event.role} now",
    OWNER_SET: lambda event, users: f"{users} is owner now",
    MEMBER_SILENCED: lambda event, users: f"{users} {'silenced' if event.until_ms else 'may post again'}",
    GROUP_DISSOLVED: lambda event, users: "group dissolved",
}

_SAY: dict[int, Callable[[int, bytes], str]] = {
    TEXT: _text,
    RICH: _rich,
    PUSH: _push,
    RELATION: _relation,
    **dict.fromkeys(_CHANGES, _changed),
    **dict.fromkeys(_EVENTS, _happened),
}

_names = {
    **{number: kind.name for number, kind in KINDS.items()},
    PLACEHOLDER: "can no longer be shown",
    RECALLED: "recalled",
}
