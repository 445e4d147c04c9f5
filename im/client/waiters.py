"""Who waits for which answer: Deferreds by message id and by request number."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

from google.protobuf.message import Message as Body
from twisted.internet.defer import Deferred

from im.client.core.events import Answered, RequestRefused, RequestTimedOut, SendFailed, Sent
from im.client.errors import RequestTimeoutError, server_error

T = TypeVar("T")


class Waiters:
    """The Deferreds that a client gave out. Cancelling one forgets it, not what it waits for."""

    def __init__(self) -> None:
        self._sends: dict[bytes, list[Deferred[Sent]]] = {}
        self._requests: dict[int, Deferred[Any]] = {}
        self._user: list[Deferred[None]] = []

    def for_send(self, client_msg_id: bytes) -> Deferred[Sent]:
        """Fires when the message is stored; any number may wait for the same one."""
        waiting = self._sends.setdefault(client_msg_id, [])
        sent: Deferred[Sent] = Deferred(partial(_discard, waiting))
        waiting.append(sent)
        return sent

    def for_request(self, request: int) -> Deferred[Any]:
        """Fires with the body of the answer."""

        def forget(_: object) -> None:
            self._requests.pop(request, None)

        answer: Deferred[Body | None] = Deferred(forget)
        self._requests[request] = answer
        return answer

    def for_user(self) -> Deferred[None]:
        """Fires when the client knows its user."""
        known: Deferred[None] = Deferred(partial(_discard, self._user))
        self._user.append(known)
        return known

    def sent(self, event: Sent) -> None:
        """A message was stored."""
        for each in _still(self._sends.pop(event.client_msg_id, ())):
            each.callback(event)

    def send_failed(self, event: SendFailed) -> None:
        """A message was refused for good."""
        for each in _still(self._sends.pop(event.client_msg_id, ())):
            each.errback(server_error(event.refusal))

    def answered(self, event: Answered) -> None:
        """A request was answered."""
        answer = self._requests.pop(event.request, None)
        if answer is not None:
            answer.callback(event.body)

    def refused(self, event: RequestRefused) -> None:
        """A request was refused for good."""
        answer = self._requests.pop(event.request, None)
        if answer is not None:
            answer.errback(server_error(event.refusal))

    def timed_out(self, event: RequestTimedOut) -> None:
        """A request had no answer."""
        answer = self._requests.pop(event.request, None)
        if answer is not None:
            answer.errback(RequestTimeoutError("no answer came; whether it was done is unknown"))

    def user_known(self) -> None:
        """A login told who the user is."""
        known, self._user = self._user, []
        for each in _still(known):
            each.callback(None)

    def fail_all(self, error: Exception) -> None:
        """Nothing will come any more."""
        waiting: list[Deferred[Any]] = [*self._requests.values(), *self._user]
        for sends in self._sends.values():
            waiting += sends
        self._requests, self._user, self._sends = {}, [], {}
        for each in _still(waiting):
            each.errback(error)


def _still(waiting: Iterable[Deferred[T]]) -> Iterator[Deferred[T]]:
    """Those who wait, leaving out whom one before them cancels."""
    return (each for each in tuple(waiting) if not each.called)


def _discard(waiting: list[Deferred[Any]], cancelled: Deferred[Any]) -> None:
    if cancelled in waiting:
        waiting.remove(cancelled)
