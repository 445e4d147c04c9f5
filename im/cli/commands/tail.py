"""`imctl tail`."""

import time
from argparse import Namespace
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from im.cli.failures import timed_out
from im.cli.online import CONNECT_SECONDS, online
from im.cli.output import Output
from im.cli.pushes import may_show, push_text
from im.cli.reactor import run as run_on_reactor
from im.cli.records import Shown, line, record
from im.cli.talk import shown_of
from im.client.core.events import Message, Pushed
from im.client.settings import ClientStatus, Status
from im.core.entries import PUSH

DEVICE_CLASS = "bot"


def run(arguments: Namespace, output: Output) -> None:
    """Show what the user has not yet received, then what comes."""
    run_on_reactor(lambda reactor: _tail(reactor, arguments, output), output.note)


class Tail:
    """Shows messages of others. What was shown counts as received, and nothing else does.

    `ended` fires after `count` messages, and fails when there is nobody to show them to.
    """

    def __init__(
        self, user: str, count: int | None, show: Callable[[Message], None], clock: IReactorTime
    ) -> None:
        self.ended: Deferred[None] = Deferred()
        self.shown = 0
        self._clock = clock
        self._is_full = False
        self._user = user
        self._count = count
        self._show = show

    def message(self, message: Message, is_news: bool) -> "Deferred[None] | None":
        """Take a message; one that is not shown any more never ends, so that it is not received."""
        if message.sender == self._user or not is_news:
            return None
        return self._take(lambda: self._show(message))

    def signal(self, show: Callable[[], None]) -> None:
        """Take what is no message, and lost where it is not shown."""
        self._take(show)

    def _take(self, show: Callable[[], None]) -> "Deferred[None] | None":
        if self._is_full or self.ended.called:
            return Deferred()
        try:
            show()
        except OSError as error:
            self.ended.errback(error)
            return Deferred()
        self.shown += 1
        if self.shown == self._count:
            self._is_full = True
            self._clock.callLater(0, self._complete)  # first let this message count as received
        return None

    def expire(self) -> None:
        """The time is over: well if no count was asked for."""
        if self.ended.called:
            return
        if self._count is None or self._is_full:
            self.ended.callback(None)
        else:
            self.ended.errback(timed_out(f"{self.shown} of {self._count} came in time"))

    def _complete(self) -> None:
        if not self.ended.called:
            self.ended.callback(None)


async def _tail(reactor: Any, arguments: Namespace, output: Output) -> None:
    tail = Tail(arguments.user, arguments.count, lambda message: _show(output, message), reactor)
    limit: float | None = arguments.timeout
    until = reactor.seconds() + (limit or 0.0)
    async with online(reactor, arguments, DEVICE_CLASS) as session:
        session.client.on_state(lambda status: _tell(output, status))
        session.client.on_message(
            lambda message: tail.message(message, session.device.is_news(message) and _is_for_us(message))
        )
        session.client.on_event(lambda push: tail.signal(lambda: _show_signal(output, push)))
        await session.until_online(limit or CONNECT_SECONDS)
        if limit is not None:
            reactor.callLater(max(until - reactor.seconds(), 0.0), tail.expire)
        await session.wait(tail.ended)


def _show(output: Output, message: Message) -> None:
    shown = shown_of(message)
    output.record(record(shown), line(shown))


def _show_signal(output: Output, push: Pushed) -> None:
    text = push_text(push)
    shown = Shown("", 0, "", PUSH, text, _now_ms(), text)
    output.record(record(shown), line(shown))


def _is_for_us(message: Message) -> bool:
    return may_show(message, _now_ms(), DEVICE_CLASS)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _tell(output: Output, status: ClientStatus) -> None:
    if status.status is Status.WAITING:
        output.note(f"reconnecting in {status.retry_in:.1f} s ({status.reason})")
