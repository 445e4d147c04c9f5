"""A person erased, step by step: whoever drives it may break it off anywhere, and begin again.

First the user is shut out for good and their sessions end, then each conversation is gone through, a
group after they left it, then goes what remains. Each step does a little and names the next; to begin
again passes quickly over what is done.
"""

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred

from im.business.access import Access
from im.core.commands import Command, Result, Write
from im.core.custom import Conclude, CustomReply
from im.core.errors import Refused, RefusedError, accepted, invalid
from im.core.grouping import ChangeGroup, Decline, Dissolve, GroupChange, Remove, Transfer
from im.core.groups import OWNER
from im.core.personal import (
    EraseMessages,
    EraseUser,
    FindTraces,
    MessagesErased,
    Trace,
    Traces,
    UserErased,
)
from im.ports import IStore

_NOTHING_TO_SAY = CustomReply(0, b"")
_BEHIND_ALL = "~"
"""No conversation's id comes after it."""


class Step(NamedTuple):
    """What a step did. `next` begins the next one, "" when all is done.

    `messages` were emptied, `rows` of other tables removed. `sessions` are still open in the ledger: when
    nothing else is left, the next step finds them closed in a moment.
    """

    next: str
    messages: int = 0
    rows: int = 0
    sessions: int = 0


class ErasingParts(NamedTuple):
    """What an erasure stands on. `ask` executes a command that others hear of; `new_key` makes 16 bytes."""

    store: IStore
    access: Access
    ask: Callable[[Command], Deferred[Result]]
    new_key: Callable[[], bytes]


class Eraser:
    """Raises `RefusedError` and `UnavailableError`; then the same step may be tried again."""

    def __init__(self, parts: ErasingParts) -> None:
        self._store, self._access, self._ask, self._new_key = parts

    async def step(self, user: str, at: str) -> Step:
        """Do the step that `at` names; "" is the first."""
        if not at:
            return await self._begin(user)
        after, from_seq = _place(at)
        traces = accepted(await self._store.read(FindTraces(user, after)), Traces)
        if traces.traces:
            return await self._pass(user, after, traces.traces, from_seq)
        return await self._finish(user, traces)

    async def _begin(self, user: str) -> Step:
        erased = await self._erase(user)
        await self._access.disable(user)
        return Step(_text("", 1), rows=erased.rows, sessions=erased.sessions)

    async def _pass(self, user: str, after: str, traces: Sequence[Trace], from_seq: int) -> Step:
        """Go through some conversations, up to one that takes more than this step."""
        messages = 0
        for trace in traces:
            if trace.role:
                await self._leave(user, trace)
            write = EraseMessages(trace.conversation, user, from_seq)
            erased = accepted(await self._write(write), MessagesErased)
            messages += erased.messages
            if erased.next_seq:
                return Step(_text(after, erased.next_seq), messages)
            after, from_seq = trace.conversation, 1
        return Step(_text(after, 1), messages)

    async def _leave(self, user: str, trace: Trace) -> None:
        """Be in a group no more; it goes on with another owner, or ends where there is nobody."""
        if trace.role == OWNER and not trace.successor:
            await self._change(trace.conversation, Dissolve())
            return
        if trace.role == OWNER:
            await self._change(trace.conversation, Transfer(trace.successor))
        await self._change(trace.conversation, Remove((user,)))

    async def _finish(self, user: str, traces: Traces) -> Step:
        """What lies in no conversation of the user's; again until nothing is left."""
        for conversation in traces.asking:
            await self._change(conversation, Decline(user))
        for handler, key in traces.handlers:
            forget = Conclude(handler, "", self._new_key(), (), ((key, None),), (), _NOTHING_TO_SAY)
            await self._write(forget)
        erased = await self._erase(user)
        rows = len(traces.asking) + len(traces.handlers) + erased.rows
        is_done = not rows and not erased.sessions
        return Step("" if is_done else _text(_BEHIND_ALL, 1), rows=rows, sessions=erased.sessions)

    async def _erase(self, user: str) -> UserErased:
        return accepted(await self._write(EraseUser(user)), UserErased)

    async def _write(self, write: Write) -> Result:
        (result,) = await self._store.write([write])
        return _unrefused(result)

    async def _change(self, conversation: str, change: GroupChange) -> None:
        _unrefused(await self._ask(ChangeGroup(conversation, "", self._new_key(), change)))


def _unrefused(result: Result) -> Result:
    if isinstance(result, Refused):
        raise RefusedError(result)
    return result


def _text(after: str, from_seq: int) -> str:
    return json.dumps([after, from_seq])


def _place(text: str) -> tuple[str, int]:
    """Behind which conversation a step begins, and at which seq of the next one."""
    try:
        after, from_seq = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        after, from_seq = None, None
    if not isinstance(after, str) or type(from_seq) is not int or from_seq < 1:
        raise RefusedError(invalid("at", "at must be the `next` of a step"))
    return after, from_seq
