"""Messages to those who take them from friends only, where hooks may let others in."""

from collections.abc import Callable, Sequence

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from im.business.questions import Questions
from im.core.commands import Request, Result
from im.core.errors import Refused, RefusedError
from im.core.ids import direct_peer
from im.core.messages import Send
from im.core.relations import OpenDirect, not_open

Written = tuple[Sequence[Request], Sequence[Result]]


class Strangers:
    """Takes out what was refused for that alone, and asks.

    What is allowed is given to `execute` with what lets it in; `refuse` answers the rest.
    """

    def __init__(
        self,
        questions: Questions,
        execute: Callable[[OpenDirect, Request], None],
        refuse: Callable[[Request, Refused], None],
    ) -> None:
        self._questions = questions
        self._execute = execute
        self._refuse = refuse
        self._asking: set[Deferred[None]] = set()

    def without(self, requests: Sequence[Request], results: Sequence[Result]) -> Written:
        """The requests and results of a batch that are to be told now."""
        refused = not_open()
        if refused not in results:
            return requests, results
        told = []
        for request, result in zip(requests, results, strict=True):
            if result == refused and type(request.command) is Send:
                self._ask(request, request.command)
            else:
                told.append((request, result))
        return [request for request, _ in told], [result for _, result in told]

    def stop(self) -> None:
        """Forget what is asked; the clients try again."""
        for asking in list(self._asking):
            asking.cancel()

    def _ask(self, request: Request, send: Send) -> None:
        peer = direct_peer(send.conversation, send.sender)
        assert peer is not None
        asking = Deferred.fromCoroutine(self._decide(request, OpenDirect(send.sender, peer)))
        self._asking.add(asking)
        asking.addErrback(_cancelled).addBoth(lambda _: self._asking.discard(asking))

    async def _decide(self, request: Request, opening: OpenDirect) -> None:
        command = request.command
        assert isinstance(command, Send)
        try:
            is_in = await self._questions.lets_in(opening.user, opening.peer, command.conversation)
        except RefusedError as error:
            self._refuse(request, error.refused)
            return
        if is_in:
            self._execute(opening, request)
        else:
            self._refuse(request, not_open())


def _cancelled(failure: Failure) -> None:
    failure.trap(CancelledError)
