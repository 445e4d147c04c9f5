"""All that is stored, and how it is found."""

from typing import NamedTuple

from im.core.relations import FriendRequest
from im.test.model.memory import Place, Talk


class Rules(NamedTuple):
    """What differs between installations."""

    is_for_friends: bool = False
    group_members: int = 3
    groups_per_user: int = 2
    recall_ms: int = 20_000
    edit_ms: int = 40_000


class Shop:
    """Conversations by id, requests by requester and addressee, users that are known or disabled."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.now_ms = 0
        self.talks: dict[str, Talk] = {}
        self.requests: dict[tuple[str, str], FriendRequest] = {}
        self.unseen_requests: set[tuple[str, str]] = set()
        self.users: set[str] = set()
        self.disabled: set[str] = set()

    def place(self, conversation: str, user: str) -> tuple[Talk, Place] | None:
        """Somebody's place in a conversation, if there is one for them."""
        talk = self.talks.get(conversation)
        place = None if talk is None else talk.places.get(user)
        if talk is None or place is None or not (talk.log or place.is_kept):
            return None
        return talk, place

    def direct(self, one: str, other: str) -> Talk:
        """The direct conversation of two users, which begins now if it isn't there."""
        first, second = sorted((one, other))
        name = f"d~{first}~{second}"
        if name not in self.talks:
            self.users |= {one, other}
            self.talks[name] = Talk(name, self.now_ms, places={user: Place(user) for user in (one, other)})
        return self.talks[name]

    def peer(self, talk: Talk, user: str) -> Place | None:
        """The other side of a direct conversation."""
        if talk.group is not None:
            return None
        (peer,) = set(talk.places) - {user}
        return talk.places[peer]

    def groups_of(self, user: str) -> list[Talk]:
        """The groups in which somebody is."""
        return [
            talk
            for talk in self.talks.values()
            if talk.group is not None
            and not talk.group.is_dissolved
            and user in talk.places
            and talk.places[user].is_in
        ]
