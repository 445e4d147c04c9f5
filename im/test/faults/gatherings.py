"""A group of many people with real clients: some stay, others come and go, and all the while people post."""

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from im.client import Message
from im.core.groups import USERS_AT_ONCE
from im.test.faults.memberships import faults_of, spans_by_user, strangers_in
from im.test.faults.nodes import View, sleep
from im.test.faults.people import Around, Habits, People, Person
from im.testing.history import Outcome

VOICES = 12
"""Of those who stay, so many post."""
AT_ONCE = 3
"""So many come, and so many go, at a time."""


class Guest(Person):
    """One of a gathering. What they are handed is judged by the log, which tells who was there when."""

    def note(self, message: Message) -> None:
        """Leave it out of the history, which knows no comings and goings."""


class Size(NamedTuple):
    """How many are there throughout, how many at first and not always, and how many come later."""

    stay: int
    go: int
    come: int


class Gathering(People):
    """`inside` and `outside` are those who come and go, where they are as far as anybody was told."""

    def __init__(self, around: Around, size: Size, habits: Habits) -> None:
        stay = [f"stay{number:03}" for number in range(size.stay)]
        go = [f"go{number:03}" for number in range(size.go)]
        come = [f"come{number:03}" for number in range(size.come)]
        super().__init__(around, [Guest(around, user, habits) for user in (*stay, *go, *come)])
        self.founder = self.people[stay[0]]
        self.group = ""
        self.inside = go
        self.outside = come
        self.changes = 0
        self._others = [*stay[1:], *go]
        self._voices = stay[:VOICES]
        self._numbers = itertools.count(1)
        self._is_moving = False

    @property
    def refused(self) -> int:
        """How many messages they were told will never be stored."""
        return sum(len(person.refused) for person in self.people.values())

    def has_changed(self, times: int) -> bool:
        """Whether some came and went so often."""
        return self.changes >= times

    async def found(self) -> None:
        """Make the group, with everybody in it who is there at first."""
        client = self.founder.client
        self.group = (await client.create_group("everybody")).conversation
        for start in range(0, len(self._others), USERS_AT_ONCE):
            await client.invite(self.group, self._others[start : start + USERS_AT_ONCE])

    def send(self) -> None:
        """Let somebody who is in say something."""
        user = self._around.random.choice([*self._voices, *self.inside])
        self._say(user, f"{user} {next(self._numbers)} {'x' * 64}")

    async def come_and_go(self, pause: float) -> None:
        """Put some out and let others in, again and again until `rest`; seconds between."""
        self._is_moving = True
        while self._is_moving:
            await self._swap()
            self.changes += 1
            await sleep(self._around.reactor, pause)

    def rest(self) -> None:
        """Let nobody come or go any more, after those who just do."""
        self._is_moving = False

    async def _swap(self) -> None:
        random, client = self._around.random, self.founder.client
        gone = random.sample(self.inside, AT_ONCE)
        come = random.sample(self.outside, AT_ONCE)
        await client.remove_members(self.group, gone)
        self.inside = [each for each in self.inside if each not in gone]
        for user in gone:
            self._say(user, "one more thing")
        await client.invite(self.group, come)
        self.outside = [each for each in self.outside if each not in come] + gone
        self.inside += come

    def _say(self, user: str, text: str) -> None:
        self.people[user].say(self.group, text)

    def faults(self, views: Mapping[str, View]) -> list[str]:
        """What is wrong with what everybody wrote, was handed, sees now, and is shown as unread."""
        log = views[self.founder.user].entries
        spans = spans_by_user(log)
        outcome = Outcome({self.group: log}, {}, {}, ())
        found = [*self._around.history.check(outcome).violations, *strangers_in(log, spans)]
        for user, person in self.people.items():
            handed = [each for each in person.handed if each.conversation == self.group]
            own = {each.client_msg_id for each in person.sent}
            wrongs = faults_of(log, spans.get(user, ()), handed, own)
            if user in spans:
                first, last = spans[user][-1]
                wrongs += self._wrong_view(user, views[user], log[first - 1 : last])
            found += [f"{user}: {each}" for each in wrongs]
        return found

    def _wrong_view(self, user: str, view: View, theirs: Sequence[object]) -> list[str]:
        shown, stored = self.unread[user, self.group], view.head.unread
        found = [] if view.entries == theirs else [f"their history is not {len(theirs)} entries of the log"]
        return found if shown == stored else [*found, f"{shown} are shown as unread, {stored} are"]
