"""Groups: made, changed, shown."""

from collections.abc import Callable
from typing import Any

from im.core import grouping, groups
from im.core.errors import Refused, invalid
from im.core.grouping import AskingPage, ChangeGroup, CreateGroup, GroupChanged, GroupRecord, MemberPage
from im.core.groups import DEFAULT_SETTINGS, GroupSettings
from im.core.validation import after_problem
from im.gateway.context import GatewayContext, GatewayHandler
from im.proto import group_pb2
from im.wire import types

_NO_CHANGE = invalid("change", "a change must say what changes")

_CHANGES: dict[str, Callable[[Any], grouping.GroupChange]] = {
    "set": lambda body: grouping.SetGroup(**{field.name: value for field, value in body.set.ListFields()}),
    "invite": lambda body: grouping.Invite(tuple(body.invite.users)),
    "join": lambda body: grouping.Join(body.join.text),
    "approve": lambda body: grouping.Approve(body.approve),
    "decline": lambda body: grouping.Decline(body.decline),
    "leave": lambda body: grouping.Leave(),
    "remove": lambda body: grouping.Remove(tuple(body.remove.users)),
    "set_role": lambda body: grouping.SetRole(body.set_role.user, body.set_role.role),
    "transfer": lambda body: grouping.Transfer(body.transfer),
    "silence": lambda body: grouping.Silence(body.silence.user, body.silence.seconds),
    "dissolve": lambda body: grouping.Dissolve(),
}


class CreateGroupHandler(GatewayHandler):
    """Have a group made that belongs to who asks."""

    type = types.CREATE_GROUP
    body = group_pb2.CreateGroup

    def handle(self, context: GatewayContext, body: group_pb2.CreateGroup) -> None:
        """Check the request and have it done."""
        problem = groups.key_problem(body.key)
        if problem is not None:
            context.refuse(problem)
            return
        user = context.user
        create = CreateGroup(
            groups.group_conversation(user, body.key),
            user,
            body.key,
            user,
            body.name,
            body.avatar,
            body.announcement,
            _settings(body.settings),
            tuple(body.members),
        )
        context.submit(create, _answer)


class ChangeGroupHandler(GatewayHandler):
    """Have a group changed, as the role of who asks allows."""

    type = types.CHANGE_GROUP
    body = group_pb2.ChangeGroup

    def handle(self, context: GatewayContext, body: group_pb2.ChangeGroup) -> None:
        """Check the request and have it done."""
        chosen = body.WhichOneof("change")
        problem = groups.group_problem(body.conversation) or groups.key_problem(body.key)
        if problem is not None or chosen is None:
            context.refuse(problem or _NO_CHANGE)
            return
        change = _CHANGES[chosen](body)
        context.submit(ChangeGroup(body.conversation, context.user, body.key, change), _answer)


class GetGroupHandler(GatewayHandler):
    """Show a group to who is or was in it."""

    type = types.GET_GROUP
    body = group_pb2.GetGroup

    def handle(self, context: GatewayContext, body: group_pb2.GetGroup) -> None:
        """Check the request and ask for the group."""
        problem = groups.group_problem(body.conversation)
        if problem is not None:
            context.refuse(problem)
        else:
            context.submit(grouping.GetGroup(body.conversation, context.user), _answer)


class GetMembersHandler(GatewayHandler):
    """Show the members to members."""

    type = types.GET_MEMBERS
    body = group_pb2.GetMembers

    def handle(self, context: GatewayContext, body: group_pb2.GetMembers) -> None:
        """Check the request and ask for the page."""
        problem = groups.group_problem(body.conversation) or after_problem(body.after)
        if problem is not None:
            context.refuse(problem)
            return
        query = grouping.ListMembers(body.conversation, context.user, body.after, body.limit)
        context.submit(query, _answer)


class GetAskingHandler(GatewayHandler):
    """Show to admins who wants to be let in."""

    type = types.GET_ASKING
    body = group_pb2.GetAsking

    def handle(self, context: GatewayContext, body: group_pb2.GetAsking) -> None:
        """Check the request and ask for the page."""
        problem = groups.group_problem(body.conversation) or after_problem(body.after)
        if problem is not None:
            context.refuse(problem)
            return
        query = grouping.ListAsking(body.conversation, context.user, body.after, body.limit)
        context.submit(query, _answer)


def _settings(body: group_pb2.GroupSettings) -> GroupSettings:
    """What was chosen; an empty text is the default."""
    return DEFAULT_SETTINGS._replace(**{field.name: value for field, value in body.ListFields()})


def _answer(context: GatewayContext, result: object) -> None:
    if isinstance(result, Refused):
        context.refuse(result)
    elif isinstance(result, GroupChanged):
        seq = 0 if result.entry is None else result.entry.seq
        body = group_pb2.GroupChanged(
            conversation=result.conversation,
            seq=seq,
            member_version=result.member_version,
            asked=result.asked,
        )
        context.reply(body)
    elif isinstance(result, GroupRecord):
        context.reply(_group(result))
    elif isinstance(result, MemberPage):
        members = [group_pb2.Member(**member._asdict()) for member in result.members]
        page = group_pb2.Members(
            conversation=result.conversation,
            member_version=result.member_version,
            members=members,
            next=result.next,
        )
        context.reply(page)
    else:
        assert isinstance(result, AskingPage)
        asking = [group_pb2.Asking(**each._asdict()) for each in result.asking]
        context.reply(group_pb2.AskingPage(conversation=result.conversation, asking=asking, next=result.next))


def _group(record: GroupRecord) -> group_pb2.Group:
    fields = record._asdict()
    settings = group_pb2.GroupSettings(**fields.pop("settings")._asdict())
    return group_pb2.Group(settings=settings, **fields)
