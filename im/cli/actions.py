"""Commands that are several in one, such as `imctl friends`: their actions and what each one takes."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from im.cli.numbers import count, seconds


class Option(NamedTuple):
    """An argument of an action: its name or flag, and what argparse makes of it."""

    name: str
    settings: Mapping[str, Any]


class Action(NamedTuple):
    """What one action does, and what it takes beside who acts and where."""

    help: str
    options: tuple[Option, ...] = ()


def _option(name: str, **settings: Any) -> Option:
    return Option(name, settings)


def _user(what: str) -> Option:
    return _option("other", metavar="USER", help=what)


def _users(what: str, least: str = "+") -> Option:
    return _option("others", metavar="USER", nargs=least, help=what)


CONTACT_CHANGES: dict[str, Mapping[str, bool]] = {
    "pin": {"pinned": True},
    "unpin": {"pinned": False},
    "mute": {"muted": True},
    "unmute": {"muted": False},
    "hide": {"hidden": True},
    "unhide": {"hidden": False},
    "mark": {"marked": True},
    "unmark": {"marked": False},
}
"""What `imctl contacts` changes of what a user keeps of a conversation."""

_GROUP = _option("group", metavar="GROUP", help="its id: g~…")
_RANKS = ("member", "admin", "owner")
_DESCRIPTION = (
    _option("--avatar", help="a URL, or what the app makes of it"),
    _option("--announcement", metavar="TEXT", help="what all members are to know"),
    _option("--may-invite", choices=_RANKS, help="the least role that may invite"),
    _option("--may-post", choices=_RANKS, help="the least role that may post"),
    _option("--joining", choices=("closed", "approval", "open"), help="how one joins"),
    _option("--history", choices=("join", "everything"), help="what who joins may see"),
    _option("--posting", choices=("all", "admins"), help="who posts now: all who may, or only admins"),
)
_LIMIT = _option("--limit", type=count, default=50, metavar="N", help="so many, the newest [50]")

FRIENDS: dict[str, Action] = {
    "list": Action("show one's friends"),
    "show": Action("show how one stands to a user", (_user("to whom"),)),
    "request": Action(
        "ask a user to be a friend",
        (_user("whom"), _option("--text", default="", metavar="TEXT", help="what to say to it")),
    ),
    "requests": Action(
        "show requests, the newest first",
        (
            _option(
                "direction",
                nargs="?",
                choices=("received", "sent"),
                default="received",
                help="which ones [received]",
            ),
            _option("--seen", action="store_true", help="tell that one has seen those received so far"),
            _LIMIT,
        ),
    ),
    "accept": Action("accept what a user asked", (_user("who asked"),)),
    "decline": Action("decline what a user asked", (_user("who asked"),)),
    "withdraw": Action("take back what one asked", (_user("who was asked"),)),
    "remove": Action("be no friends any more; the history stays", (_user("whom"),)),
    "block": Action("take nothing from a user any more", (_user("whom"),)),
    "unblock": Action("take messages and requests of a user again", (_user("whom"),)),
    "remark": Action(
        "keep a name of one's own for a user",
        (_user("whom"), _option("remark", metavar="NAME", help='the name; "" takes it away')),
    ),
}
"""The actions of `imctl friends`."""

GROUPS: dict[str, Action] = {
    "list": Action("show the groups that one is in"),
    "create": Action(
        "make a group of one's own",
        (
            _option("name", metavar="NAME", help="its name"),
            _users("members beside oneself", "*"),
            *_DESCRIPTION,
        ),
    ),
    "show": Action("show what a group is", (_GROUP,)),
    "members": Action("show who is in a group", (_GROUP,)),
    "asking": Action("show who asks to be let in", (_GROUP,)),
    "invite": Action("add users to a group", (_GROUP, _users("whom"))),
    "join": Action(
        "come into a group, or ask for it",
        (_GROUP, _option("--text", default="", metavar="TEXT", help="what to say to who approves")),
    ),
    "approve": Action("let in who asked", (_GROUP, _user("whom"))),
    "decline": Action("let in not who asked", (_GROUP, _user("whom"))),
    "leave": Action("be no member any more, or take back what one asked", (_GROUP,)),
    "remove": Action("put members out", (_GROUP, _users("whom"))),
    "role": Action(
        "make a member an admin, or a plain member again",
        (
            _GROUP,
            _user("whom"),
            _option("role", metavar="ROLE", choices=("member", "admin"), help="member or admin"),
        ),
    ),
    "transfer": Action("give one's group to another member", (_GROUP, _user("to whom"))),
    "silence": Action(
        "let a member post nothing for a time",
        (
            _GROUP,
            _user("whom"),
            _option("seconds", type=seconds, metavar="SECONDS", help="for how long; 0: may again"),
        ),
    ),
    "set": Action(
        "describe a group anew", (_GROUP, _option("--name", help="what it is called"), *_DESCRIPTION)
    ),
    "dissolve": Action("end one's group for everybody", (_GROUP,)),
}
"""The actions of `imctl groups`."""
