"""The store as a process sees it that has no SQL: each command goes to the worker that owns its shard."""

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from zope.interface import implementer

from im.core.commands import Query, Result, Write
from im.core.errors import Code, Refused
from im.core.ids import inbox_conversation
from im.core.pushing import PushStored, StorePush
from im.core.shards import shard_of
from im.ports import Ask, IStore, UnavailableError


@implementer(IStore)
class BridgedStore:
    """Asks over the business bridge. A batch is not one transaction here, unless it is of one shard.

    A push to many users is split by their inboxes' shards, and its answers are put together again.
    """

    def __init__(self, ask: Ask, shards: int, problem: Callable[[], str]) -> None:
        self._ask = ask
        self._shards = shards
        self._problem = problem

    def write(self, batch: Sequence[Write]) -> "Deferred[list[Result]]":
        """See `IStore.write`."""
        return gatherResults([self._write(each) for each in batch], consumeErrors=True).addErrback(
            first_error
        )

    def read(self, query: Query) -> "Deferred[Result]":
        """See `IStore.read`."""
        return self._ask(query).addCallback(_checked)

    def problem(self) -> str:
        """See `IStore.problem`."""
        return self._problem()

    def _write(self, write: Write) -> "Deferred[Result]":
        if isinstance(write, StorePush):
            return Deferred.fromCoroutine(self._push(write))
        return self._ask(write).addCallback(_checked)

    async def _push(self, write: StorePush) -> Result:
        pages: dict[int, list[str]] = {}
        for user in write.users:
            pages.setdefault(shard_of(inbox_conversation(user), self._shards), []).append(user)
        parts = [write._replace(users=tuple(users)) for users in pages.values()]
        answers: list[Any] = await gatherResults(
            [self._ask(part).addCallback(_checked) for part in parts], consumeErrors=True
        ).addErrback(first_error)
        stored = [each for each in answers if isinstance(each, PushStored)]
        refused = [each for each in answers if isinstance(each, Refused)]
        if refused or not stored:
            return refused[0] if refused else PushStored((), write.users, "", 0)
        entries = {entry.user: entry for part in stored for entry in part.entries}
        ordered = tuple(entries[user] for user in write.users if user in entries)
        unknown = tuple(user for part in stored for user in part.unknown)
        return PushStored(ordered, unknown, stored[0].epoch, stored[0].time_ms)


def _checked(result: Result) -> Result:
    if isinstance(result, Refused) and result.code is Code.UNAVAILABLE:
        raise UnavailableError(result.text)
    return result


def first_error(failure: Any) -> Any:
    """The error itself of the first that failed."""
    failure.value.subFailure.raiseException()
