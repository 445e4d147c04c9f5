"""Hooks that answer in any order, fail and refuse: each conversation keeps its order, nothing is lost."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from im.core.errors import Code, Refused, RefusedError
from im.core.messages import Sent
from im.test.business.test_gate import OTHER, TALK, Censor, GateCase, send

TALKS = (TALK, OTHER)
LATER, NOW, NO, AGAIN = "later", "now", "no", "again"
STEP = st.tuples(st.sampled_from((LATER, NOW, NO, AGAIN)), st.integers(0, 1), st.integers(0, 3))


def refuse(code: Code) -> Exception:
    return RefusedError(Refused(code, "not now"))


class OrderTests(GateCase):
    @settings(max_examples=60, derandomize=True, deadline=None)
    @given(st.lists(STEP, min_size=1, max_size=25))
    def test_what_is_let_go_is_stored_in_the_order_in_which_it_came(
        self, steps: list[tuple[str, int, int]]
    ) -> None:
        censor = Censor()
        self.start(censor)
        waiting: list[Deferred[None]] = []
        answers: dict[bytes, Callable[[], Any]] = {}
        censor.step = lambda message: answers[message.content]()
        wanted: dict[str, list[str]] = {talk: [] for talk in TALKS}

        def later() -> Deferred[None]:
            waiting.append(Deferred())
            return waiting[-1]

        def no(code: Code) -> Callable[[], None]:
            def raise_it() -> None:
                raise refuse(code)

            return raise_it

        ways = {LATER: later, NOW: lambda: None, NO: no(Code.PERMISSION_DENIED), AGAIN: no(Code.UNAVAILABLE)}
        for number, (way, talk, decided) in enumerate(steps, 1):
            command = send(number, TALKS[talk])
            answers[command.content] = ways[way]
            if way in (LATER, NOW):
                wanted[TALKS[talk]].append(command.content.decode())
            self.execute(command)
            if decided < len(waiting):
                waiting.pop(decided).callback(None)
        while waiting:
            waiting.pop().callback(None)
        for conversation in TALKS:
            self.assertEqual(self.texts(conversation), wanted[conversation])
        results = self.results()
        self.assertEqual(sorted(results), list(range(1, len(steps) + 1)))
        for number, (way, _, _) in enumerate(steps, 1):
            self.assertEqual(isinstance(results[number], Sent), way in (LATER, NOW))
