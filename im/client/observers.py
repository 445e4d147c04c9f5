"""Observers: told on a later turn, so that no call of theirs meets the client in the middle of one."""

from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.client.core.events import Message

MessageObserver = Callable[[Message], Any]
Observer = Callable[[Any], Any]


class Observers:
    """Who wants to know what. One message of a conversation at a time, in order.

    A message counts as received, `handled`, when every observer of it has returned and every
    Deferred or coroutine that they returned has ended, well or not; `settle` is called after some were.
    Without an observer of messages they wait.
    """

    _log = Logger()
    _guard = _log.failureHandler("an observer failed")

    def __init__(
        self, reactor: IReactorTime, handled: Callable[[Message], None], settle: Callable[[], None]
    ) -> None:
        self._reactor = reactor
        self._handled = handled
        self._settle = settle
        self._observers: dict[type, list[Observer]] = {}
        self._message_observers: list[MessageObserver] = []
        self._messages: list[Message] = []
        self._due: list[Message] = []
        self._events: deque[Any] = deque()
        self._busy: dict[str, deque[Message]] = {}
        self._turn: IDelayedCall | None = None
        self._is_closing = False
        self._is_stopped = False

    def add(self, kind: type, observer: Observer) -> None:
        """Tell `observer` of events of one kind."""
        self._observers.setdefault(kind, []).append(observer)

    def add_for_messages(self, observer: MessageObserver) -> None:
        """Tell `observer` of messages, also of those that wait already."""
        self._message_observers.append(observer)
        self._soon()

    def tell(self, event: Any) -> None:
        """Something happened."""
        if type(event) in self._observers:
            self._events.append(event)
            self._soon()

    def tell_message(self, message: Message) -> None:
        """A message came."""
        self._messages.append(message)
        self._soon()

    def close(self) -> None:
        """Begin with no further message. Those in work may still end, and count."""
        self._is_closing = True

    def stop(self) -> None:
        """Tell nobody anything any more."""
        self._is_stopped = True
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        self._messages.clear()
        self._due.clear()
        self._events.clear()
        self._busy.clear()

    def _soon(self) -> None:
        if self._turn is None and not self._is_stopped:
            self._turn = self._reactor.callLater(0, self._run)

    def _run(self) -> None:
        self._turn = None
        for _ in range(len(self._events)):
            event = self._events.popleft()
            for observer in self._observers[type(event)]:
                self._call(observer, event)
        if self._message_observers:
            self._run_messages()

    def _run_messages(self) -> None:
        due, self._due = self._due, []
        messages, self._messages = self._messages, []
        for message in due:
            self._observe(message)
        for message in messages:
            waiting = self._busy.get(message.conversation)
            if waiting is None:
                self._observe(message)
            else:
                waiting.append(message)
        self._settle()

    def _observe(self, message: Message) -> None:
        if self._is_closing:
            return  # it comes again, to the next client of this state
        unfinished = [
            result
            for observer in self._message_observers
            if (result := self._call(observer, message)) is not None
        ]
        if not unfinished:
            self._ended(message)
            return
        self._busy.setdefault(message.conversation, deque())
        left = len(unfinished)

        def ended(_: object) -> None:
            nonlocal left
            left -= 1
            if not left and not self._is_stopped:
                self._ended(message)
                self._settle()

        for each in unfinished:
            each.addBoth(ended)

    def _ended(self, message: Message) -> None:
        """Every observer is done with a message: the next one of its conversation may follow."""
        if self._is_stopped:
            return
        self._handled(message)
        waiting = self._busy.get(message.conversation)
        if waiting:
            self._due.append(waiting.popleft())
            self._soon()
        elif waiting is not None:
            del self._busy[message.conversation]

    def _call(self, observer: Observer, event: Any) -> Deferred[Any] | None:
        """Call an observer. What it raises is logged, what it leaves unfinished is returned."""
        with self._guard:
            result = observer(event)
            if result is None:
                return None
            if isinstance(result, Coroutine):
                result = Deferred.fromCoroutine(result)
            if isinstance(result, Deferred):
                result.addErrback(self._failed)
                return None if result.called and not result.paused else result
        return None

    def _failed(self, failure: Failure) -> None:
        self._log.failure("an observer failed", failure)
