"""Any writes, as Hypothesis finds them. Ids and keys are blank: they are given when a write is made."""

from hypothesis import strategies as st

from im.core.changing import ChangeMessage, ClearHistory, DeleteEntries, Edit, React, Recall
from im.core.commands import SetDisabled, Write
from im.core.grouping import (
    Approve,
    ChangeGroup,
    CreateGroup,
    Decline,
    Dissolve,
    Invite,
    Join,
    Leave,
    Remove,
    SetGroup,
    SetRole,
    Silence,
    Transfer,
)
from im.core.groups import GroupSettings, group_conversation
from im.core.messages import MoveDelivered, MoveRead, Send, SendAsApp
from im.core.relations import (
    AnswerFriend,
    AskFriend,
    Block,
    EndFriendship,
    ExpireRequests,
    OpenDirect,
    SeeRequests,
    SetContact,
    WithdrawRequest,
)

USERS = ("alice", "bob", "carol", "dave")
FRIENDS = USERS[:3]
DIRECTS = ("d~alice~bob", "d~alice~carol", "d~bob~carol")
OWNERS = {group_conversation(owner, owner.ljust(16).encode()): owner for owner in ("alice", "bob")}
GROUPS = tuple(OWNERS)
FIRST_GROUP = GROUPS[0]
BLANK, LAST, NEVER = b"", b"last", b"never"
"""No id; the id of what the sender said last there; an id of nothing."""

DAY_MS = 86_400_000

users = st.sampled_from(USERS)
groups = st.sampled_from((FIRST_GROUP, *GROUPS))
places = st.sampled_from((*DIRECTS, FIRST_GROUP, *GROUPS))
seqs = st.integers(1, 16)
flags = st.booleans()
maybe = st.sampled_from((None, True, True, False))
texts = st.sampled_from(("", "text", "it's ? {a} %s 漢"))
contents = st.sampled_from((b"text", b"other", "漢".encode()))
mentions = st.sampled_from(((), (), ("bob",), ("",), ("", "carol"), ("alice", "bob")))
somebody = st.lists(users, min_size=1, max_size=3, unique=True).map(tuple)

sends = st.builds(
    Send,
    places,
    users,
    st.just("phone"),
    st.just(BLANK),
    st.sampled_from((BLANK, BLANK, BLANK, LAST, LAST, NEVER)),
    st.one_of(st.just(0), seqs),
    st.sampled_from((1, 1, 2, 7)),
    contents,
    mentions,
    st.none(),
)
app_sends = st.builds(SendAsApp, places, st.just(BLANK), st.sampled_from((1, 7)), contents, mentions)
moves = st.one_of(
    st.builds(MoveRead, places, users, seqs),
    st.builds(MoveRead, places, users, seqs),
    st.builds(MoveDelivered, places, users, seqs),
)
changes = st.builds(
    ChangeMessage,
    places,
    users,
    st.just(BLANK),
    seqs,
    st.one_of(
        st.just(Recall()), st.builds(Edit, contents), st.builds(React, st.sampled_from(("+1", "漢")), flags)
    ),
)
app_recalls = st.builds(ChangeMessage, places, st.just(""), st.just(BLANK), seqs, st.just(Recall()))
own = st.one_of(
    st.builds(DeleteEntries, places, users, st.lists(seqs, min_size=1, max_size=3).map(tuple)),
    st.builds(ClearHistory, places, users, seqs),
)
friends = st.sampled_from(FRIENDS)
relations = st.one_of(
    st.builds(AskFriend, friends, friends, texts),
    st.builds(AnswerFriend, friends, friends, st.sampled_from((True, True, False)), texts),
    st.builds(WithdrawRequest, friends, friends),
    st.builds(EndFriendship, friends, friends),
    st.builds(Block, friends, friends, flags),
    st.builds(OpenDirect, friends, friends),
    st.builds(SeeRequests, friends),
    st.builds(ExpireRequests, st.sampled_from((1_000, 30 * DAY_MS)), st.just(100)),
)
contacts = st.builds(SetContact, users, places, st.one_of(st.none(), texts), maybe, maybe, maybe, maybe).map(
    lambda write: SetContact(write[1], write[0], *write[2:]) if "~" in write[0] else write
)
memberships = st.one_of(
    st.builds(Invite, somebody),
    st.builds(Invite, somebody),
    st.builds(Join, texts),
    st.builds(Approve, users),
    st.builds(Decline, users),
    st.just(Leave()),
    st.builds(Remove, somebody),
)
levels = st.sampled_from((None, "member", "admin", "owner"))
ordinances = st.one_of(
    st.builds(
        SetGroup,
        st.one_of(st.none(), texts),
        st.none(),
        st.one_of(st.none(), texts),
        levels,
        levels,
        st.sampled_from((None, "open", "approval", "closed")),
        st.sampled_from((None, "join", "everything")),
        maybe,
    ),
    st.builds(SetRole, users, st.sampled_from(("member", "admin"))),
    st.builds(Transfer, users),
    st.builds(Silence, users, st.sampled_from((0, 5, 60))),
    st.just(Dissolve()),
)
askers = st.one_of(users, st.sampled_from(("alice", "alice", "")))
group_changes = st.builds(ChangeGroup, groups, askers, st.just(BLANK), st.one_of(memberships, ordinances))
settings = st.builds(
    GroupSettings,
    st.sampled_from(("member", "admin")),
    st.sampled_from(("member", "member", "admin")),
    st.sampled_from(("open", "approval", "closed")),
    st.sampled_from(("join", "everything")),
    st.just(False),
)


def _creation(group: str, settings: GroupSettings, members: tuple[str, ...]) -> CreateGroup:
    owner = OWNERS[group]
    key = owner.ljust(16).encode()
    return CreateGroup(group, owner, key, owner, "Group", settings=settings, members=members)


creations = st.builds(_creation, st.sampled_from(GROUPS), settings, st.just(("carol",)))
first_groups = st.builds(_creation, st.just(FIRST_GROUP), settings, st.just(("bob",)))
shutters = st.builds(SetDisabled, st.sampled_from(("carol", "dave")), st.sampled_from((True, False, False)))

writes: st.SearchStrategy[Write] = st.one_of(
    sends,
    sends,
    moves,
    changes,
    changes,
    own,
    relations,
    relations,
    contacts,
    group_changes,
    group_changes,
    st.one_of(creations, shutters, app_recalls, app_sends),
)
talks: st.SearchStrategy[Write] = st.one_of(sends, sends, moves)
