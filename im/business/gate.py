"""Holds back the requests about which hooks are asked, until they have answered."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from im.business.questions import Question, Questions, refusing
from im.core.commands import Request
from im.core.errors import Code, Refused, RefusedError

MOST_HELD = 10_000
"""Requests that wait behind another of their conversation, in all."""

MOST_IN_A_LANE = 1_000

_FULL = Refused(Code.RATE_LIMITED, "too many requests wait for what the app decides", "", 1_000)


class _Held(NamedTuple):
    request: Request
    question: Question


class Gate:
    """What is about one conversation goes on in the order in which it came; nothing else waits for it.

    Those that hooks let go on later are given to `execute`; `refuse` answers the others.
    """

    def __init__(
        self,
        questions: Questions,
        execute: Callable[[Sequence[Request]], object],
        refuse: Callable[[Request, Refused], None],
    ) -> None:
        self._questions = questions
        self._execute = execute
        self._refuse = refuse
        self._admitted: list[Request] | None = None
        self._lanes: dict[str, deque[_Held]] = {}
        self._working: dict[str, Deferred[None]] = {}
        self._held = 0

    def admit(self, batch: Sequence[Request]) -> Sequence[Request]:
        """Those that may go on at once, in their order."""
        admitted = self._admitted = []
        for request in batch:
            question = self._questions.about(request.command)
            if question is None:
                admitted.append(request)
            else:
                self._take(_Held(request, question))
        self._admitted = None
        return admitted

    def stop(self) -> None:
        """Forget what waits; the clients try again."""
        for working in list(self._working.values()):
            working.cancel()

    def _take(self, held: _Held) -> None:
        lane = held.question.lane
        waiting = self._lanes.get(lane)
        if waiting is None:
            self._lanes[lane] = deque((held,))
            self._held += 1
            working = Deferred.fromCoroutine(self._work_off(lane))
            if lane in self._lanes:
                self._working[lane] = working
            working.addErrback(_cancelled)
        elif self._held >= MOST_HELD or len(waiting) >= MOST_IN_A_LANE:
            self._refuse(held.request, _FULL)
        else:
            waiting.append(held)
            self._held += 1

    async def _work_off(self, lane: str) -> None:
        waiting = self._lanes[lane]
        try:
            while waiting:
                request, question = waiting[0]
                await self._judge(request, question)
                waiting.popleft()
                self._held -= 1
        finally:
            self._held -= len(waiting)
            del self._lanes[lane]
            self._working.pop(lane, None)

    async def _judge(self, request: Request, question: Question) -> None:
        try:
            command = await self._questions.answered(question, request.command)
        except RefusedError as error:
            refusal = refusing(request.command, error.refused)
            if refusal is None:
                self._refuse(request, error.refused)
                return
            command = refusal
        allowed = request._replace(command=command)
        if self._admitted is None:
            self._execute((allowed,))
        else:
            self._admitted.append(allowed)


def _cancelled(failure: Failure) -> None:
    failure.trap(CancelledError)
