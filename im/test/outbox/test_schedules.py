"""Random pushes, answers, losses and killed relays: nothing is lost, and each user's order is kept."""

import os
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from im.outbox.verdict import of_answer, unanswered, unreachable
from im.test.outbox.world import BROKEN, DOWN, STORED, Asked, RelayCase, T, at_once

USERS = ["a", "b", "c", "d"]
EXAMPLES = 2_000 if os.environ.get("IM_TEST_LONG") else 80
PUSH, ANSWER, FAIL, LOSE, REFUSE, KILL, WAIT = range(7)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just(PUSH), st.lists(st.sampled_from(USERS), min_size=1, max_size=3, unique=True)),
        st.tuples(st.sampled_from([ANSWER, FAIL, LOSE, REFUSE]), st.integers(0, 5)),
        st.tuples(st.just(KILL), st.sampled_from(["r1", "r2"])),
        st.tuples(st.just(WAIT), st.sampled_from([0.2, 2, 20])),
    ),
    max_size=40,
)


class Life:
    """A relay's, and its way to the database: without it, nothing is written or heard of any more."""

    def __init__(self) -> None:
        self.is_on = True

    def in_thread(self, work: Callable[[], T]) -> "Deferred[T]":
        """See `InThread`."""
        return at_once(work) if self.is_on else Deferred()


class StoringNode:
    """Stores a push at its first arrival under its key, as the node does; bodies of one key must agree."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}
        self.open: list[Asked] = []
        self.is_up = False

    def store(self, asked: Asked) -> None:
        """The push arrives."""
        assert self.stored.setdefault(asked.key, asked.raw) == asked.raw


class ScheduleTests(RelayCase):
    @settings(derandomize=True, deadline=None, max_examples=EXAMPLES)
    @given(STEPS)
    def test_no_schedule_loses_or_reorders(self, steps: list[tuple[int, Any]]) -> None:
        RelayCase.setUp(self)
        self.arrived = StoringNode()
        self.pushed: dict[str, list[str]] = {user: [] for user in USERS}
        self.lives: dict[str, Life] = {}
        for name in ("r1", "r2"):
            self.begin(name)
        for kind, what in steps:
            self.step(kind, what)
        self.arrived.is_up = True
        for asked in self.arrived.open:
            if not asked.answer.called:
                asked.answer.callback(unanswered("the node was started again"))
        self.clock.pump([0.5] * 60)
        self.assertEqual(self.waiting(), 0)
        order = list(self.arrived.stored)
        for keys in self.pushed.values():
            self.assertEqual([key for key in order if key in keys], keys)

    def begin(self, name: str) -> None:
        """Start a relay that has a life."""
        life = Life()
        relay = self.relay(name, lambda key, body: self.post(life, key, body), life.in_thread, in_flight=2)
        self.lives[name] = life
        Deferred.fromCoroutine(relay.run())

    def post(self, life: Life, key: str, body: bytes) -> "Deferred[Any]":
        answer: Deferred[Any] = Deferred()
        asked = Asked(key, {}, body, answer)
        if life.is_on:
            self.arrived.open.append(asked)
            if self.arrived.is_up:
                self.arrived.store(asked)
                answer.callback(of_answer(STORED))
        return answer

    def step(self, kind: int, what: Any) -> None:
        if kind == PUSH:
            key = self.push(what, 0)
            for user in what:
                self.pushed[user].append(key)
        elif kind == WAIT:
            self.clock.pump([what / 4] * 4)
        elif kind == KILL:
            self.kill(what)
        else:
            self.answer(kind, what)

    def answer(self, kind: int, which: int) -> None:
        under_way = [asked for asked in self.arrived.open if not asked.answer.called]
        if not under_way:
            return
        asked = under_way[which % len(under_way)]
        if kind in (ANSWER, LOSE):
            self.arrived.store(asked)
        outcomes = {
            ANSWER: of_answer(STORED),
            LOSE: unanswered("lost"),
            FAIL: of_answer(BROKEN if which % 2 else DOWN),
            REFUSE: unreachable("refused"),
        }
        asked.answer.callback(outcomes[kind])

    def kill(self, name: str) -> None:
        """What it asked may still arrive; another one starts in its place."""
        self.lives[name].is_on = False
        self.begin(name + "'")
        self.lives[name] = self.lives.pop(name + "'")
