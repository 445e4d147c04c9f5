"""Values of the core to bodies of the wire, for all that more than one handler says."""

from im.core.commands import ProfileRecord
from im.core.errors import Refused
from im.core.folding import Fold
from im.core.messages import Entry, Head, SyncCursor, SyncPage
from im.core.presence import Presence
from im.core.relations import NO_CONTACT, Contact
from im.proto import base_pb2, presence_pb2, session_pb2, sync_pb2


def error(refused: Refused) -> base_pb2.Error:
    """The error frame's body of a refusal."""
    return base_pb2.Error(
        code=refused.code,
        name=refused.code.label,
        text=refused.text,
        field=refused.field,
        retryable=refused.code.is_retryable,
        retry_after_ms=refused.retry_after_ms,
        last_attempt=refused.last_attempt,
    )


def close(refused: Refused) -> base_pb2.Close:
    """The close frame's body for an end."""
    return base_pb2.Close(
        code=refused.code,
        name=refused.code.label,
        text=refused.text,
        reconnect=refused.code.is_retryable,
        retry_after_ms=refused.retry_after_ms,
        alternate=refused.alternate,
    )


def entry(value: Entry) -> sync_pb2.Entry:
    """A row of a log."""
    return sync_pb2.Entry(
        seq=value.seq,
        n=value.n,
        kind=value.kind,
        sender=value.sender,
        client_msg_id=value.client_msg_id,
        server_time_ms=value.time_ms,
        content=value.content,
    )


def head(value: Head) -> sync_pb2.Head:
    """A user's place in a conversation."""
    return sync_pb2.Head(
        conversation=value.conversation,
        head_seq=value.head_seq,
        head_n=value.head_n,
        head_time_ms=value.head_time_ms,
        unread=value.unread,
        read_seq=value.read_seq,
        delivered_seq=value.delivered_seq,
        visible_from=value.visible_from,
        active=value.active,
        member_version=value.member_version,
        epoch_seq=value.epoch_seq,
        peer_read_seq=value.peer_read_seq,
        peer_delivered_seq=value.peer_delivered_seq,
        last=None if value.last is None else entry(value.last),
        contact=None if value.contact == NO_CONTACT else contact(value.contact),
        group=None if value.group is None else sync_pb2.GroupFacts(**value.group._asdict()),
    )


def contact(value: Contact) -> sync_pb2.Contact:
    """What a user keeps of a conversation."""
    return sync_pb2.Contact(**value._asdict())


def fold(value: Fold) -> sync_pb2.Fold:
    """What became of an entry."""
    reactions = (
        sync_pb2.Reaction(reaction=each.reaction, count=each.users, is_own=each.is_own)
        for each in value.reactions
    )
    return sync_pb2.Fold(seq=value.seq, edited_seq=value.edited_seq, reactions=reactions)


def sync_result(page: SyncPage) -> sync_pb2.SyncResult:
    """A page of a sync."""
    return sync_pb2.SyncResult(
        cursor=sync_pb2.SyncCursor(epoch=page.cursor.epoch, position=page.cursor.position),
        heads=[head(each) for each in page.heads],
        next=page.next,
    )


def sync_cursor(body: sync_pb2.SyncCursor) -> SyncCursor:
    """The cursor that a client kept."""
    return SyncCursor(body.epoch, body.position)


def profile(record: ProfileRecord) -> session_pb2.Profile:
    """What others see of a user."""
    return session_pb2.Profile(user=record.user, name=record.name, avatar=record.avatar, fields=record.fields)


def presence(present: Presence) -> presence_pb2.Presence:
    """Who is online."""
    states = (session_pb2.BACKGROUND, session_pb2.FOREGROUND)
    return presence_pb2.Presence(
        user=present.user,
        devices=[
            presence_pb2.OnlineDevice(device_class=name, app_state=states[is_foreground])
            for name, is_foreground in present.devices
        ],
        last_seen_ms=present.last_seen_ms,
    )
