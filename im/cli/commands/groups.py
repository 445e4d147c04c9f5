"""`imctl groups`."""

from argparse import Namespace
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from im.cli.asking import all_pages, answer
from im.cli.changes import tell_group
from im.cli.columns import aligned
from im.cli.contacts import contacts_of, group_row, groups_of
from im.cli.failures import usage
from im.cli.output import Json, Output, shown
from im.cli.records import moment
from im.client.client import Client
from im.client.grouped import Outcome
from im.core.grouping import AskingPage, MemberPage, MemberRecord
from im.core.groups import DEFAULT_SETTINGS


def run(arguments: Namespace, output: Output) -> None:
    """Show groups and who is in them, or change them."""
    _ACTIONS.get(arguments.action, _change)(arguments, output)


def _change(arguments: Namespace, output: Output) -> None:
    tell_group(
        answer(arguments, output, lambda client: _CHANGES[arguments.action](client, arguments)), output
    )


def _list(arguments: Namespace, output: Output) -> None:
    heads = answer(arguments, output, lambda client: client.heads())
    groups = groups_of(contacts_of(heads, arguments.user))
    lines = aligned([group_row(*each) for each in groups])
    for (contact, group), line in zip(groups, lines, strict=True):
        record = {"conversation": contact.head.conversation, **group._asdict(), "unread": contact.head.unread}
        output.record(record, line)


def _create(arguments: Namespace, output: Output) -> None:
    given = _given(arguments)
    described = {name: given.pop(name) for name in ("avatar", "announcement") if name in given}
    settings = DEFAULT_SETTINGS._replace(**given)
    name, members = arguments.name, arguments.others
    tell_group(
        answer(
            arguments,
            output,
            lambda client: client.create_group(name, members, settings=settings, **described),
        ),
        output,
    )


def _set(arguments: Namespace, output: Output) -> None:
    changes = _given(arguments)
    if arguments.name is not None:
        changes["name"] = arguments.name
    if not changes:
        raise usage("say what is to be set; `imctl groups set --help` lists it")
    tell_group(answer(arguments, output, lambda client: client.set_group(arguments.group, **changes)), output)


def _show(arguments: Namespace, output: Output) -> None:
    group = answer(arguments, output, lambda client: client.group(arguments.group))
    record: dict[str, Json] = {**group._asdict(), "settings": group.settings._asdict()}
    posts = "admins" if group.settings.is_muted else group.settings.may_post
    rows = [
        ("group", f"{group.name} ({group.conversation})"),
        ("owner", group.owner),
        ("members", str(group.members)),
        ("you", group.role or "no member"),
        ("may invite", group.settings.may_invite),
        ("may post", posts),
        ("joining", group.settings.joining),
        ("history", group.settings.history),
        ("made", moment(group.created_ms)),
    ]
    rows += [
        (name, text)
        for name, text in (("avatar", group.avatar), ("announcement", group.announcement))
        if text
    ]
    if group.asking:
        rows.append(("asking", str(group.asking)))
    if group.is_dissolved:
        rows.append(("dissolved", "yes"))
    output.record(record, "\n".join(shown(line) for line in aligned(rows)))


def _members(arguments: Namespace, output: Output) -> None:
    def ask(client: Client, after: str) -> Deferred[MemberPage]:
        return client.members(arguments.group, after)

    members = [each for page in all_pages(arguments, output, ask) for each in page.members]
    rows = [(each.user, each.role, _silenced(each)) for each in members]
    for each, line in zip(members, aligned(rows), strict=True):
        output.record(each._asdict(), shown(line))


def _asking(arguments: Namespace, output: Output) -> None:
    def ask(client: Client, after: str) -> Deferred[AskingPage]:
        return client.asking(arguments.group, after)

    asking = [each for page in all_pages(arguments, output, ask) for each in page.asking]
    rows = [(moment(each.time_ms), each.user, each.text) for each in asking]
    for each, line in zip(asking, aligned(rows), strict=True):
        output.record(each._asdict(), shown(line))


def _given(arguments: Namespace) -> dict[str, Any]:
    """What the command line says of a group's description and settings."""
    names = ("avatar", "announcement", "may_invite", "may_post", "joining", "history")
    given = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    if arguments.posting is not None:
        given["is_muted"] = arguments.posting == "admins"
    return given


def _silenced(member: MemberRecord) -> str:
    return f"silenced until {moment(member.silenced_until_ms)}" if member.silenced_until_ms else ""


_CHANGES: dict[str, Callable[[Client, Namespace], "Deferred[Outcome]"]] = {
    "invite": lambda client, asked: client.invite(asked.group, asked.others),
    "join": lambda client, asked: client.join_group(asked.group, asked.text),
    "approve": lambda client, asked: client.approve(asked.group, asked.other),
    "decline": lambda client, asked: client.decline(asked.group, asked.other),
    "leave": lambda client, asked: client.leave_group(asked.group),
    "remove": lambda client, asked: client.remove_members(asked.group, asked.others),
    "role": lambda client, asked: client.set_role(asked.group, asked.other, asked.role),
    "transfer": lambda client, asked: client.transfer_group(asked.group, asked.other),
    "silence": lambda client, asked: client.silence(asked.group, asked.other, asked.seconds),
    "dissolve": lambda client, asked: client.dissolve_group(asked.group),
}

_ACTIONS: dict[str, Callable[[Namespace, Output], None]] = {
    "list": _list,
    "create": _create,
    "show": _show,
    "members": _members,
    "asking": _asking,
    "set": _set,
}
