"""What a client asks of groups, and of messages that are there."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from google.protobuf.message import Message as Body
from twisted.internet.defer import Deferred

from im.client.core.contents import rich_text
from im.client.core.events import Sent
from im.client.observed import Observed
from im.client.settings import Randomness
from im.core.changing import Readers
from im.core.entries import RICH
from im.core.grouping import Asking, AskingPage, GroupRecord, MemberPage, MemberRecord
from im.core.groups import DEFAULT_SETTINGS, KEY_BYTES, GroupSettings
from im.proto import content_pb2, group_pb2


class Outcome(NamedTuple):
    """What became of a change. `seq` is that of the entry that tells of it; 0: everything stood so before.

    `asked`: an admin of the group has to approve.
    """

    conversation: str
    seq: int
    member_version: int = 0
    asked: bool = False


class Place(NamedTuple):
    """The first entry that the user may see now, and how many they have not seen."""

    conversation: str
    visible_from: int
    unread: int


class Grouped(Observed):
    """The requests of a client about groups and changes of messages.

    Each Deferred fails with `ServerError` where the server refuses. What changes carries a key of its
    own, so that it is done once however often it is repeated.
    """

    _random: Randomness
    _ask: Callable[[Body], Deferred[Any]]
    send_content: Callable[..., Deferred[Sent]]

    def create_group(
        self,
        name: str,
        members: Iterable[str] = (),
        *,
        avatar: str = "",
        announcement: str = "",
        settings: GroupSettings = DEFAULT_SETTINGS,
    ) -> Deferred[Outcome]:
        """Make a group of one's own, with at most 100 members beside oneself; more by `invite`."""
        body = group_pb2.CreateGroup(
            key=self._key(),
            name=name,
            avatar=avatar,
            announcement=announcement,
            settings=group_pb2.GroupSettings(**settings._asdict()),
            members=members,
        )
        return self._ask(body).addCallback(_outcome)

    def set_group(self, conversation: str, **changes: Any) -> Deferred[Outcome]:
        """Describe a group anew: `name`, `avatar`, `announcement`, or a field of `GroupSettings`."""
        return self._change(conversation, set=group_pb2.SetGroup(**changes))

    def invite(self, conversation: str, users: Iterable[str]) -> Deferred[Outcome]:
        """Add at most 100 users to a group."""
        return self._change(conversation, invite=group_pb2.GroupUsers(users=users))

    def join_group(self, conversation: str, text: str = "") -> Deferred[Outcome]:
        """Come into a group, or ask an admin for it."""
        return self._change(conversation, join=group_pb2.JoinGroup(text=text))

    def approve(self, conversation: str, user: str) -> Deferred[Outcome]:
        """Let somebody in who asked."""
        return self._change(conversation, approve=user)

    def decline(self, conversation: str, user: str) -> Deferred[Outcome]:
        """Let somebody not in who asked."""
        return self._change(conversation, decline=user)

    def leave_group(self, conversation: str) -> Deferred[Outcome]:
        """Be no member any more, or take back what one asked."""
        return self._change(conversation, leave=group_pb2.LeaveGroup())

    def remove_members(self, conversation: str, users: Iterable[str]) -> Deferred[Outcome]:
        """Put at most 100 members out."""
        return self._change(conversation, remove=group_pb2.GroupUsers(users=users))

    def set_role(self, conversation: str, user: str, role: str) -> Deferred[Outcome]:
        """Make a member an "admin", or a plain "member" again."""
        return self._change(conversation, set_role=group_pb2.SetRole(user=user, role=role))

    def transfer_group(self, conversation: str, user: str) -> Deferred[Outcome]:
        """Give one's group to another member."""
        return self._change(conversation, transfer=user)

    def silence(self, conversation: str, user: str, seconds: int) -> Deferred[Outcome]:
        """Let a member post nothing for so long; 0 lets them again."""
        return self._change(conversation, silence=group_pb2.Silence(user=user, seconds=seconds))

    def dissolve_group(self, conversation: str) -> Deferred[Outcome]:
        """End one's group for everybody."""
        return self._change(conversation, dissolve=group_pb2.DissolveGroup())

    def group(self, conversation: str) -> Deferred[GroupRecord]:
        """What a group is, and one's own place in it."""
        return self._ask(group_pb2.GetGroup(conversation=conversation)).addCallback(_group)

    def members(self, conversation: str, after: str = "", limit: int = 0) -> Deferred[MemberPage]:
        """A page of the members, by id; `after` is the `next` of the page before."""
        body = group_pb2.GetMembers(conversation=conversation, after=after, limit=limit)
        return self._ask(body).addCallback(_members)

    def asking(self, conversation: str, after: str = "", limit: int = 0) -> Deferred[AskingPage]:
        """A page of those who ask to be let in; for admins."""
        body = group_pb2.GetAsking(conversation=conversation, after=after, limit=limit)
        return self._ask(body).addCallback(_asking)

    def send_rich(
        self,
        conversation: str,
        text: str,
        *,
        reply_to: int = 0,
        mentions: Iterable[str] = (),
        mentions_everyone: bool = False,
        seen_seq: int = 0,
    ) -> Deferred[Sent]:
        """Send a text that answers the message of the seq `reply_to`, or mentions users; see `send`."""
        content = rich_text(text, reply_to, mentions, mentions_everyone)
        return self.send_content(conversation, RICH, content, seen_seq)

    def recall(self, conversation: str, seq: int) -> Deferred[Outcome]:
        """Take a message back."""
        return self._change_message(conversation, seq, recall=content_pb2.RecallMessage())

    def edit(self, conversation: str, seq: int, text: str) -> Deferred[Outcome]:
        """Give one's own message another text."""
        edit = content_pb2.EditMessage(content=text.encode())
        return self._change_message(conversation, seq, edit=edit)

    def react(self, conversation: str, seq: int, reaction: str, is_set: bool = True) -> Deferred[Outcome]:
        """Set a reaction to a message, or take it back."""
        react = content_pb2.ReactToMessage(reaction=reaction, is_set=is_set)
        return self._change_message(conversation, seq, react=react)

    def delete(self, conversation: str, seqs: Iterable[int]) -> Deferred[Place]:
        """Delete at most 100 entries for oneself, on all devices."""
        return self._ask(content_pb2.DeleteEntries(conversation=conversation, seqs=seqs)).addCallback(_place)

    def clear(self, conversation: str, seq: int) -> Deferred[Place]:
        """Delete everything up to and with `seq` for oneself."""
        return self._ask(content_pb2.ClearHistory(conversation=conversation, seq=seq)).addCallback(_place)

    def readers(self, conversation: str, seq: int) -> Deferred[Readers]:
        """Who has read an entry; named where they are few."""
        body = content_pb2.GetReaders(conversation=conversation, seq=seq)
        return self._ask(body).addCallback(_readers)

    def _change(self, conversation: str, **change: Any) -> Deferred[Outcome]:
        body = group_pb2.ChangeGroup(conversation=conversation, key=self._key(), **change)
        return self._ask(body).addCallback(_outcome)

    def _change_message(self, conversation: str, seq: int, **change: Any) -> Deferred[Outcome]:
        body = content_pb2.ChangeMessage(conversation=conversation, key=self._key(), target=seq, **change)
        return self._ask(body).addCallback(_outcome)

    def _key(self) -> bytes:
        return self._random.randbytes(KEY_BYTES)


def _outcome(body: group_pb2.GroupChanged | content_pb2.MessageChanged) -> Outcome:
    if isinstance(body, group_pb2.GroupChanged):
        return Outcome(body.conversation, body.seq, body.member_version, body.asked)
    return Outcome(body.conversation, body.seq)


def _group(body: group_pb2.Group) -> GroupRecord:
    settings = body.settings
    return GroupRecord(
        body.conversation,
        body.name,
        body.avatar,
        body.announcement,
        body.owner,
        GroupSettings(
            settings.may_invite, settings.may_post, settings.joining, settings.history, settings.is_muted
        ),
        body.members,
        body.asking,
        body.member_version,
        body.created_ms,
        body.is_dissolved,
        body.role,
        body.silenced_until_ms,
    )


def _members(body: group_pb2.Members) -> MemberPage:
    members = tuple(MemberRecord(each.user, each.role, each.silenced_until_ms) for each in body.members)
    return MemberPage(body.conversation, body.member_version, members, body.next)


def _asking(body: group_pb2.AskingPage) -> AskingPage:
    asking = tuple(Asking(each.user, each.text, each.time_ms) for each in body.asking)
    return AskingPage(body.conversation, asking, body.next)


def _place(body: content_pb2.Place) -> Place:
    return Place(body.conversation, body.visible_from, body.unread)


def _readers(body: content_pb2.Readers) -> Readers:
    return Readers(body.conversation, body.seq, body.count, body.members, tuple(body.users))
