"""Groups, as the docs have them."""

from collections.abc import Callable, Iterable
from typing import Any

from im.core.errors import Code
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
from im.core.messages import Entry
from im.test.model.memory import EPOCH, Group, Place, Said, Talk, rank
from im.test.model.messages import ids_of
from im.test.model.shop import Shop

TEXTS = ("name", "avatar", "announcement")


class GroupRules:
    """What becomes of groups. `_by` is who asks, in `_role`."""

    _by: ChangeGroup | CreateGroup
    _role: str

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._changes: dict[type, Callable[[Talk, Group, Any], Any]] = {
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

    def create(self, write: CreateGroup) -> Any:
        """Make a group."""
        if write.user in self.shop.disabled:
            return Code.DISABLED
        if write.conversation in self.shop.talks:
            return self._again(self.shop.talks[write.conversation], write)
        users = (write.owner, *(user for user in write.members if user != write.owner))
        if not self._have_room(0, users):
            return Code.LIMIT_EXCEEDED
        group = Group(write.name, write.avatar, write.announcement, write.owner, write.settings._asdict())
        talk = Talk(write.conversation, self.shop.now_ms, group, version=0)
        self.shop.talks[talk.id] = talk
        self._by, self._role = write, "app"
        described = {name: getattr(group, name) for name in TEXTS}
        changed = self._let_in(talk, users, 101, {"set": described})
        talk.places[write.owner].role = "owner"
        return changed

    def change(self, write: ChangeGroup) -> Any:
        """Change a group."""
        if write.user in self.shop.disabled:
            return Code.DISABLED
        talk = self.shop.talks.get(write.conversation)
        if talk is None or talk.group is None:
            return Code.NOT_FOUND
        if write.key in ids_of(talk, write.user):
            return self._again(talk, write)
        place = talk.places.get(write.user)
        self._by, self._role = write, "app" if not write.user else ""
        if place is not None and place.is_in:
            self._role = place.role
        outsiders = Code.NOT_FOUND if place is None else Code.PERMISSION_DENIED
        if not self._role and not isinstance(write.change, Join | Leave):
            return outsiders
        if talk.group.is_dissolved:
            is_again = isinstance(write.change, Dissolve) and rank(self._role) >= rank("owner")
            return self._same(talk) if is_again else Code.PERMISSION_DENIED if self._role else outsiders
        return self._changes[type(write.change)](talk, talk.group, write.change)

    def _again(self, talk: Talk, write: ChangeGroup | CreateGroup) -> GroupChanged:
        seq = ids_of(talk, write.user)[write.key]
        said = talk.log[seq - 1]
        entry = Entry(seq, talk.n(seq), said.kind, said.sender, said.key, said.time_ms, said.content)
        return self._same(talk, entry)

    def _set(self, talk: Talk, group: Group, change: SetGroup) -> Any:
        if rank(self._role) < rank("admin"):
            return Code.PERMISSION_DENIED
        new = {}
        for name, value in change._asdict().items():
            before = getattr(group, name) if name in TEXTS else group.settings[name]
            if value is not None and value != before:
                new[name] = value
        if not new:
            return self._same(talk)
        for name, value in new.items():
            if name in TEXTS:
                setattr(group, name, value)
            else:
                group.settings[name] = value
        return self._tell(talk, 102, {"set": new})

    def _invite(self, talk: Talk, group: Group, change: Invite) -> Any:
        if rank(self._role) < rank(group.settings["may_invite"]):
            return Code.PERMISSION_DENIED
        return self._come(talk, change.users, "invited")

    def _come(self, talk: Talk, users: Iterable[str], how: str) -> Any:
        inside = {place.user for place in talk.members()}
        coming = tuple(user for user in users if user not in inside)
        if not coming:
            return self._same(talk)
        if not self._have_room(len(inside), coming):
            return Code.LIMIT_EXCEEDED
        return self._let_in(talk, coming, 103, {"how": how})

    def _have_room(self, inside: int, coming: tuple[str, ...]) -> bool:
        rules = self.shop.rules
        return inside + len(coming) <= rules.group_members and all(
            len(self.shop.groups_of(user)) < rules.groups_per_user for user in coming
        )

    def _let_in(self, talk: Talk, users: tuple[str, ...], kind: int, event: dict[str, Any]) -> GroupChanged:
        group, seq = talk.group, len(talk.log) + 1
        assert group is not None
        for user in users:
            place = talk.places.setdefault(user, Place(user))
            place.came, place.last, place.role = seq, None, "member"
            place.first = 1 if group.settings["history"] == "everything" else seq
            group.asking.pop(user, None)
            self.shop.users.add(user)
        talk.version += 1
        changed = self._tell(talk, kind, {**event, "users": list(users)})
        return changed._replace(version_before=talk.version - 1, joined=users)

    def _join(self, talk: Talk, group: Group, change: Join) -> Any:
        user = self._by.user
        if self._role:
            return self._same(talk)
        if group.settings["joining"] == "open":
            return self._come(talk, (user,), "joined")
        if group.settings["joining"] == "approval":
            group.asking[user] = (change.text, self.shop.now_ms)
            self.shop.users.add(user)
            return self._same(talk)._replace(asked=True, lookers=admins_of(talk))
        return Code.NOT_FOUND if user not in talk.places else Code.PERMISSION_DENIED

    def _approve(self, talk: Talk, group: Group, change: Approve) -> Any:
        if rank(self._role) < rank("admin"):
            return Code.PERMISSION_DENIED
        if any(place.user == change.user for place in talk.members()):
            return self._same(talk)
        return self._come(talk, (change.user,), "approved") if change.user in group.asking else Code.NOT_FOUND

    def _decline(self, talk: Talk, group: Group, change: Decline) -> Any:
        if rank(self._role) < rank("admin"):
            return Code.PERMISSION_DENIED
        return self._ask_no_more(talk, group, change.user)

    def _ask_no_more(self, talk: Talk, group: Group, user: str) -> GroupChanged:
        if group.asking.pop(user, None) is None:
            return self._same(talk)
        return self._same(talk)._replace(lookers=admins_of(talk))

    def _leave(self, talk: Talk, group: Group, change: Leave) -> Any:
        user = self._by.user
        if self._role == "app":
            return Code.NOT_FOUND
        if self._role == "owner":
            return Code.PERMISSION_DENIED
        if not self._role:
            is_known = user in talk.places or user in group.asking
            return self._ask_no_more(talk, group, user) if is_known else Code.NOT_FOUND
        return self._go(talk, [user], 104)

    def _remove(self, talk: Talk, group: Group, change: Remove) -> Any:
        if rank(self._role) < rank("admin"):
            return Code.PERMISSION_DENIED
        going = [place for place in talk.members() if place.user in change.users]
        if not all(self._may_act_on(place) for place in going):
            return Code.PERMISSION_DENIED
        users = [user for user in change.users if any(place.user == user for place in going)]
        return self._go(talk, users, 105) if users else self._same(talk)

    def _go(self, talk: Talk, users: list[str], kind: int) -> GroupChanged:
        talk.version += 1
        changed = self._tell(talk, kind, {"users": users})
        assert talk.group is not None
        for user in users:
            talk.places[user].last = len(talk.log)
            talk.places[user].was = (talk.group.name, talk.group.avatar)
        return changed._replace(version_before=talk.version - 1, left=tuple(users))

    def _may_act_on(self, place: Place) -> bool:
        return rank(self._role) > rank(place.role) and place.role != "owner"

    def _member(self, talk: Talk, user: str) -> Place | None:
        place = talk.places.get(user)
        return place if place is not None and place.is_in else None

    def _set_role(self, talk: Talk, group: Group, change: SetRole) -> Any:
        if rank(self._role) < rank("owner"):
            return Code.PERMISSION_DENIED
        place = self._member(talk, change.user)
        if place is None:
            return Code.NOT_FOUND
        if not self._may_act_on(place):
            return Code.PERMISSION_DENIED
        if place.role == change.role:
            return self._same(talk)
        place.role = change.role
        return self._tell(talk, 106, {"users": [change.user], "role": change.role})

    def _transfer(self, talk: Talk, group: Group, change: Transfer) -> Any:
        if rank(self._role) < rank("owner"):
            return Code.PERMISSION_DENIED
        place = self._member(talk, change.user)
        if place is None:
            return Code.NOT_FOUND
        if place.role == "owner":
            return self._same(talk)
        talk.places[group.owner].role = "admin"
        place.role, group.owner = "owner", change.user
        return self._tell(talk, 107, {"users": [change.user]})

    def _silence(self, talk: Talk, group: Group, change: Silence) -> Any:
        if rank(self._role) < rank("admin"):
            return Code.PERMISSION_DENIED
        place = self._member(talk, change.user)
        if place is None:
            return Code.NOT_FOUND
        if not self._may_act_on(place):
            return Code.PERMISSION_DENIED
        now_ms = self.shop.now_ms
        if not change.seconds and place.silenced_until_ms <= now_ms:
            return self._same(talk)
        place.silenced_until_ms = now_ms + 1000 * change.seconds if change.seconds else 0
        talk.version += 1
        until = {"until_ms": place.silenced_until_ms} if change.seconds else {}
        changed = self._tell(talk, 108, {"users": [change.user], **until})
        return changed._replace(version_before=talk.version - 1, lookers=(change.user,))

    def _dissolve(self, talk: Talk, group: Group, change: Dissolve) -> Any:
        if rank(self._role) < rank("owner"):
            return Code.PERMISSION_DENIED
        group.is_dissolved = True
        return self._tell(talk, 109, {})

    def _tell(self, talk: Talk, kind: int, event: dict[str, Any]) -> GroupChanged:
        entry = talk.say(Said(kind, self._by.user, self._by.key, self.shop.now_ms, event))
        return GroupChanged(talk.id, entry, EPOCH, True, talk.version, talk.version)

    def _same(self, talk: Talk, entry: Entry | None = None) -> GroupChanged:
        return GroupChanged(talk.id, entry, EPOCH, False, talk.version, talk.version)


def admins_of(talk: Talk) -> tuple[str, ...]:
    """Those who decide who is let in."""
    return tuple(sorted(place.user for place in talk.members() if rank(place.role) >= rank("admin")))
