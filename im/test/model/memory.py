"""What people said and did, as plain lists, and what is unread by looking at each entry of them.

Written from the docs and the docstrings of the commands. Only the classes of questions and answers are
the product's own: nothing here counts, ranks or remembers by its means.
"""

from dataclasses import dataclass, field
from typing import Any

from im.core.messages import CursorMoved, Entry

EPOCH = "memory"
MESSAGES = range(1, 9)
"""The kinds of messages that are used here; these count."""

EDITABLE = (1, 6, 7, 8)
REQUEST = 110
RECALLED, RECALL, EDIT, REACTION = 9, 120, 121, 122
RANKS = ("", "member", "admin", "owner", "app")


@dataclass
class Said:
    """An entry of a log, and what became of it. `reactions` tell of each user the seq that set it."""

    kind: int
    sender: str
    key: bytes
    time_ms: int
    content: Any
    mentions: tuple[str, ...] = ()
    counts: bool = False
    recalled_at: int = 0
    edited_at: int = 0
    reactions: dict[str, dict[str, int]] = field(default_factory=dict)


@dataclass
class Place:
    """One user's place in a conversation. `last` is the last seq of who is out, and `was` what they know.

    They may see what comes from `first` on; what was before `came` was never unread to them. `wrote` is an
    entry of their own before which nothing of others was unseen. An empty conversation is there only for
    those who keep something of it (`is_kept`).
    """

    user: str
    first: int = 1
    came: int = 1
    last: int | None = None
    was: tuple[str, str] = ("", "")
    read: int = 0
    delivered: int = 0
    cleared: int = 0
    wrote: int = 0
    deleted: set[int] = field(default_factory=set)
    role: str = "member"
    silenced_until_ms: int = 0
    remark: str = ""
    pinned: bool = False
    muted: bool = False
    marked: bool = False
    hidden_at: int = 0
    relation: str = ""
    is_blocking: bool = False
    is_kept: bool = False

    @property
    def is_in(self) -> bool:
        """Whether they are a member now."""
        return self.last is None

    @property
    def visible_from(self) -> int:
        """The first seq that they may see."""
        return max(self.first, self.cleared + 1)

    @property
    def seen(self) -> int:
        """Everything up to here is seen, or was never theirs."""
        return max(self.read, self.cleared, self.came - 1)


@dataclass
class Group:
    """What a group is. `asking` are those who want to be let in, with their text and the time."""

    name: str
    avatar: str
    announcement: str
    owner: str
    settings: dict[str, Any]
    is_dissolved: bool = False
    asking: dict[str, tuple[str, int]] = field(default_factory=dict)


@dataclass
class Talk:
    """A conversation: its whole log, and everybody who is or was in it."""

    id: str
    created_ms: int
    group: Group | None = None
    version: int = 1
    log: list[Said] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)

    def members(self) -> list[Place]:
        """Those who are in."""
        return [place for place in self.places.values() if place.is_in]

    def head(self, place: Place) -> int:
        """The last seq that somebody may see."""
        return len(self.log) if place.last is None else place.last

    def n(self, seq: int) -> int:
        """How many entries up to one count."""
        return sum(said.counts for said in self.log[:seq])

    def unseen(self, place: Place) -> list[int]:
        """The seqs of what somebody has not seen."""
        return [
            seq
            for seq, said in enumerate(self.log[: self.head(place)], start=1)
            if said.counts
            and said.sender != place.user
            and seq > place.seen
            and seq not in place.deleted
            and not said.recalled_at
        ]

    def mentions(self, place: Place) -> int:
        """How many of the unseen mention the user, or everyone."""
        return sum(bool({place.user, ""} & set(self.log[seq - 1].mentions)) for seq in self.unseen(place))

    def say(self, said: Said) -> Entry:
        """Put an entry at the end of the log; the entry as its sender is told of it."""
        place = self.places.get(said.sender)
        if place is not None and not any(
            each.counts and each.sender != said.sender for each in self.log[max(place.seen, place.wrote) :]
        ):
            place.wrote = len(self.log) + 1
        self.log.append(said)
        seq = len(self.log)
        return Entry(seq, self.n(seq), said.kind, said.sender, said.key, said.time_ms, said.content)

    def entry(self, seq: int, place: Place) -> Entry:
        """An entry as somebody sees it now."""
        said, n = self.log[seq - 1], self.n(seq)
        if seq in place.deleted:
            return Entry(seq, n, 0, "", b"", said.time_ms, b"")
        if said.recalled_at or said.edited_at > self.head(place):
            return Entry(seq, n, RECALLED, said.sender, said.key, said.time_ms, b"")
        return Entry(seq, n, said.kind, said.sender, said.key, said.time_ms, said.content)

    def cursors(self, place: Place, moved: bool) -> CursorMoved:
        """Where somebody's cursors stand."""
        unread = len(self.unseen(place))
        return CursorMoved(self.id, place.user, place.read, place.delivered, unread, moved)


def rank(role: str) -> int:
    """How much a role may."""
    return RANKS.index(role)
