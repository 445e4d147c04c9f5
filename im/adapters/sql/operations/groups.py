"""Groups: how they begin, and everything that changes them. Runs on the group's shard, like its messages."""

from collections.abc import Callable
from typing import Any

from im.adapters.sql.checks import disabled
from im.adapters.sql.operations.conversations import Conversation, Member
from im.adapters.sql.operations.group_rows import Group
from im.adapters.sql.operations.membership import Act, GroupParts, Membership
from im.adapters.sql.operations.posting import find
from im.core import entries, groups
from im.core.errors import Code, Refused, invalid
from im.core.grouping import (
    Approve,
    ChangeGroup,
    CreateGroup,
    Decline,
    Dissolve,
    GroupChanged,
    Invite,
    Join,
    Leave,
    Remove,
    SetGroup,
    SetRole,
    Silence,
    Transfer,
)
from im.core.groups import ADMIN, APP, MEMBER, NOBODY, OWNER
from im.core.ids import GROUP, id_problem
from im.core.texts import text_problem
from im.core.validation import unknown_conversation
from im.proto import group_pb2
from im.proto.group_pb2 import GroupEvent

Outcome = GroupChanged | Refused

_TOLD = range(entries.GROUP_CREATED, entries.GROUP_DISSOLVED + 1)

_NO_MEMBER = Refused(Code.NOT_FOUND, "there is no such member", "user")
_NOT_ASKED = Refused(Code.NOT_FOUND, "this user did not ask to be let in", "user")
_OWNER_STAYS = Refused(
    Code.PERMISSION_DENIED, "the owner can't leave: give the group to another member, or dissolve it"
)
_BY_INVITATION = Refused(Code.PERMISSION_DENIED, "one comes into this group by invitation only")


class Groups:
    """Executes what concerns groups inside the writer's transaction."""

    def __init__(self, parts: GroupParts) -> None:
        self._conversations, self._messages, self._users = parts.conversations, parts.messages, parts.users
        self._membership = Membership(parts)
        self._changes: dict[type, Callable[[Act, Any], Outcome]] = {
            SetGroup: self._set,
            Invite: self._invite,
            Join: self._join,
            Approve: self._approve,
            Decline: self._decline,
            Leave: self._leave,
            Remove: self._remove,
            SetRole: self._set_role,
            Transfer: self._transfer,
            Silence: self._silence,
            Dissolve: self._dissolve,
        }

    def steps(self) -> dict[type, Callable[[Any, int], Outcome]]:
        """What executes each write."""
        return {CreateGroup: self.create, ChangeGroup: self.change}

    def create(self, write: CreateGroup, now_ms: int) -> Outcome:
        """Make a group of its owner and members."""
        others = tuple(user for user in write.members if user != write.owner)
        problem = _create_problem(write, others)
        if problem is None and self._users.is_disabled(write.user):
            problem = disabled()
        if problem is not None:
            return problem
        conversation = self._conversations.get(write.conversation)
        if conversation is not None:
            return self._earlier(conversation, write) or unknown_conversation()
        members = (write.owner, *others)
        group = Group(write.name, write.avatar, write.announcement, write.owner, 0, 0, False, write.settings)
        refused = self._membership.refusal(group, members, now_ms)
        if refused is not None:
            return refused
        conversation = Conversation(write.conversation, GROUP, now_ms, member_version=0, group=group)
        self._conversations.create(conversation)
        act = Act(conversation, group, write.user, None, APP, write.key, now_ms)
        described = group_pb2.SetGroup(name=group.name, avatar=group.avatar, announcement=group.announcement)
        event = GroupEvent(set=described)
        changed = self._membership.let_in(act, members, entries.GROUP_CREATED, event)
        conversation.members[write.owner].role = OWNER
        return changed

    def change(self, write: ChangeGroup, now_ms: int) -> Outcome:
        """Make a change that whoever asks may make."""
        problem = groups.group_problem(write.conversation) or groups.key_problem(write.key)
        if problem is None and self._users.is_disabled(write.user):
            problem = disabled()
        if problem is not None:
            return problem
        conversation = find(self._conversations, write.conversation, write.user)
        if not isinstance(conversation, Conversation):
            return conversation or unknown_conversation()
        earlier = self._earlier(conversation, write)
        if earlier is not None:
            return earlier
        act = self._act(conversation, write, now_ms)
        refused = _standing_refusal(act, write)
        if refused is not None:
            return refused
        if act.group.is_dissolved:
            return self._membership.same(conversation)  # it was asked to be dissolved again
        return self._changes[type(write.change)](act, write.change)

    def _act(self, conversation: Conversation, write: ChangeGroup, now_ms: int) -> Act:
        member = self._conversations.member(conversation, write.user) if write.user else None
        role = NOBODY if write.user else APP
        if member is not None and member.is_active:
            role = member.role
        group = self._conversations.group(conversation)
        return Act(conversation, group, write.user, member, role, write.key, now_ms)

    def _earlier(self, conversation: Conversation, write: ChangeGroup | CreateGroup) -> Outcome | None:
        """The first answer to a repetition; the key of something else is a conflict."""
        earlier = self._messages.told((write.key, write.user, conversation.id), _TOLD)
        if earlier is None or isinstance(earlier, Refused):
            return earlier
        return self._membership.same(conversation, earlier)

    def _set(self, act: Act, change: SetGroup) -> Outcome:
        problem = groups.needs(ADMIN, act.role) or _set_problem(change)
        if problem is not None:
            return problem
        group, values = act.group, change._asdict()
        texts = {field: values.pop(field) for field in ("name", "avatar", "announcement")}
        new_texts = {key: text for key, text in texts.items() if text not in (None, getattr(group, key))}
        wished = {field: value for field, value in values.items() if value is not None}
        settings = group.settings._replace(**wished)
        problem = groups.settings_problem(settings)
        if problem is not None:
            return problem
        if not new_texts and settings == group.settings:
            return self._membership.same(act.conversation)
        before = group.settings._asdict()
        new = {key: value for key, value in wished.items() if value != before[key]}
        group.settings = settings
        for field, text in new_texts.items():
            setattr(group, field, text)
        event = GroupEvent(set=group_pb2.SetGroup(**new_texts, **new))
        return self._membership.tell(act, entries.GROUP_SET, event)

    def _invite(self, act: Act, change: Invite) -> Outcome:
        problem = groups.needs(act.group.settings.may_invite, act.role) or groups.users_problem(change.users)
        if problem is not None:
            return problem
        return self._let_in(act, self._membership.absent(act.conversation, change.users), "invited")

    def _let_in(self, act: Act, users: list[str], how: str) -> Outcome:
        if not users:
            return self._membership.same(act.conversation)
        refused = self._membership.refusal(act.group, users, act.now_ms)
        if refused is not None:
            return refused
        return self._membership.let_in(act, users, entries.MEMBERS_ADDED, GroupEvent(how=how))

    def _join(self, act: Act, change: Join) -> Outcome:
        problem = text_problem(change.text, "text", groups.ASK_CHARACTERS, groups.BREAKS)
        if problem is not None:
            return problem
        if act.role != NOBODY:
            return self._membership.same(act.conversation)
        joining = act.group.settings.joining
        if joining == groups.OPEN:
            return self._let_in(act, [act.user], "joined")
        if joining == groups.APPROVAL:
            return self._membership.ask(act, change.text)
        return unknown_conversation() if act.member is None else _BY_INVITATION

    def _approve(self, act: Act, change: Approve) -> Outcome:
        problem = groups.needs(ADMIN, act.role) or id_problem(change.user, "user")
        if problem is not None:
            return problem
        if self._membership.active(act.conversation, change.user) is not None:
            return self._membership.same(act.conversation)
        if not self._membership.asks(act.conversation, change.user):
            return _NOT_ASKED
        return self._let_in(act, [change.user], "approved")

    def _decline(self, act: Act, change: Decline) -> Outcome:
        problem = groups.needs(ADMIN, act.role) or id_problem(change.user, "user")
        return problem or self._membership.ask_no_more(act, change.user)

    def _leave(self, act: Act, change: Leave) -> Outcome:
        if act.role == APP:
            return _NO_MEMBER
        if act.role == OWNER:
            return _OWNER_STAYS
        if act.role == NOBODY:
            is_known = act.member is not None or self._membership.asks(act.conversation, act.user)
            return self._membership.ask_no_more(act, act.user) if is_known else unknown_conversation()
        return self._membership.put_out(act, [act.user], entries.MEMBER_LEFT)

    def _remove(self, act: Act, change: Remove) -> Outcome:
        problem = groups.needs(ADMIN, act.role) or groups.users_problem(change.users)
        if problem is not None:
            return problem
        going = []
        for user in change.users:
            member = self._membership.active(act.conversation, user)
            if member is not None:
                refused = groups.outranks(act.role, member.role) or _owner_refusal(member.role)
                if refused is not None:
                    return refused
                going.append(user)
        if not going:
            return self._membership.same(act.conversation)
        return self._membership.put_out(act, going, entries.MEMBERS_REMOVED)

    def _below(self, act: Act, user: str) -> Member | Refused:
        """A member on whom whoever asks may act."""
        member = self._membership.active(act.conversation, user)
        if member is None:
            return _NO_MEMBER
        return groups.outranks(act.role, member.role) or _owner_refusal(member.role) or member

    def _set_role(self, act: Act, change: SetRole) -> Outcome:
        problem = groups.needs(OWNER, act.role) or id_problem(change.user, "user")
        if problem is None and change.role not in (MEMBER, ADMIN):
            problem = invalid("role", f"role must be {MEMBER} or {ADMIN}; there is one {OWNER}")
        if problem is not None:
            return problem
        member = self._below(act, change.user)
        if isinstance(member, Refused):
            return member
        if member.role == change.role:
            return self._membership.same(act.conversation)
        self._conversations.touch_place(act.conversation, member)
        member.role = change.role
        event = GroupEvent(users=[change.user], role=change.role)
        return self._membership.tell(act, entries.ROLE_SET, event)

    def _transfer(self, act: Act, change: Transfer) -> Outcome:
        problem = groups.needs(OWNER, act.role) or id_problem(change.user, "user")
        if problem is not None:
            return problem
        member = self._membership.active(act.conversation, change.user)
        if member is None:
            return _NO_MEMBER
        if member.role == OWNER:
            return self._membership.same(act.conversation)
        before = self._membership.active(act.conversation, act.group.owner)
        if before is not None:
            self._conversations.touch_place(act.conversation, before)
            before.role = ADMIN
        self._conversations.touch_place(act.conversation, member)
        member.role = OWNER
        act.group.owner = change.user
        return self._membership.tell(act, entries.OWNER_SET, GroupEvent(users=[change.user]))

    def _silence(self, act: Act, change: Silence) -> Outcome:
        problem = groups.needs(ADMIN, act.role) or id_problem(change.user, "user")
        if problem is None and not 0 <= change.seconds <= groups.MAX_SILENCE_SECONDS:
            problem = invalid("seconds", f"seconds must be at most {groups.MAX_SILENCE_SECONDS}")
        if problem is not None:
            return problem
        member = self._below(act, change.user)
        if isinstance(member, Refused):
            return member
        until_ms = act.now_ms + 1_000 * change.seconds if change.seconds else 0
        if not until_ms and member.silenced_until_ms <= act.now_ms:
            return self._membership.same(act.conversation)
        self._conversations.touch_place(act.conversation, member)
        member.silenced_until_ms = until_ms
        version = act.conversation.member_version
        act.conversation.member_version += 1
        event = GroupEvent(users=[change.user], until_ms=until_ms)
        changed = self._membership.tell(act, entries.MEMBER_SILENCED, event)
        return changed._replace(version_before=version, lookers=(change.user,))

    def _dissolve(self, act: Act, change: Dissolve) -> Outcome:
        refused = groups.needs(OWNER, act.role)
        if refused is not None:
            return refused
        act.group.is_dissolved = True
        return self._membership.tell(act, entries.GROUP_DISSOLVED, GroupEvent())


def _create_problem(write: CreateGroup, others: tuple[str, ...]) -> Refused | None:
    if write.conversation != groups.group_conversation(write.user, write.key):
        return invalid("conversation", "the id must be that of the request")
    if write.user not in ("", write.owner):
        return Refused(Code.PERMISSION_DENIED, "a group is of whoever makes it", "owner")
    problem = groups.key_problem(write.key) or id_problem(write.owner, "owner")
    problem = problem or (groups.users_problem(others) if others else None)
    problem = problem or _set_problem(SetGroup(write.name, write.avatar, write.announcement))
    return problem or groups.settings_problem(write.settings)


def _set_problem(change: SetGroup) -> Refused | None:
    return (
        text_problem(change.name or "", "name", groups.NAME_CHARACTERS, groups.BREAKS)
        or text_problem(change.avatar or "", "avatar", groups.AVATAR_CHARACTERS, groups.BREAKS)
        or text_problem(
            change.announcement or "", "announcement", groups.ANNOUNCEMENT_CHARACTERS, groups.BREAKS
        )
    )


def _standing_refusal(act: Act, write: ChangeGroup) -> Refused | None:
    """Why somebody can't ask for anything of the kind in this group, whatever their role is."""
    is_outside = type(write.change) in (Join, Leave)
    if act.role == NOBODY and not is_outside:
        return unknown_conversation() if act.member is None else groups.gone()
    if not act.group.is_dissolved:
        return None
    if act.role == NOBODY and act.member is None:
        return unknown_conversation()
    is_again = type(write.change) is Dissolve and groups.needs(OWNER, act.role) is None
    return None if is_again else groups.dissolved()


def _owner_refusal(role: str) -> Refused | None:
    """The app outranks the owner, too, but a group is never without one."""
    if role != OWNER:
        return None
    return Refused(Code.PERMISSION_DENIED, "give the group to another member first", "users")
