"""What a user asks a node as a client, once, by a command of their own."""

from argparse import Namespace
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred

from im.cli.online import CONNECT_SECONDS, Session, online
from im.cli.output import Output
from im.cli.reactor import run as run_on_reactor
from im.client.client import Client


class Page(Protocol):
    """A page of an answer; `next` is "" of the last one."""

    @property
    def next(self) -> str:
        """Where the next page begins."""


T = TypeVar("T")
P = TypeVar("P", bound=Page)
Conversing = Callable[[Session], Coroutine[Deferred[Any], Any, T]]


def answer(arguments: Namespace, output: Output, ask: "Callable[[Client], Deferred[T]]") -> T:
    """What one request is answered. Raises `Failure`."""

    async def converse(session: Session) -> T:
        return await session.wait(ask(session.client), CONNECT_SECONDS)

    return outcome(arguments, output, converse)


def outcome(arguments: Namespace, output: Output, converse: "Conversing[T]") -> T:
    """What several requests come to, of a session that is online. Raises `Failure`."""

    async def main(reactor: Any) -> T:
        async with online(reactor, arguments, "bot") as session:
            await session.until_online(CONNECT_SECONDS)
            return await converse(session)

    return run_on_reactor(main, output.note)


def all_pages(arguments: Namespace, output: Output, ask: "Callable[[Client, str], Deferred[P]]") -> list[P]:
    """Every page of an answer; `ask` gets the `next` of the page before, at first "". Raises `Failure`."""

    async def converse(session: Session) -> list[P]:
        pages = [await session.wait(ask(session.client, ""), CONNECT_SECONDS)]
        while after := pages[-1].next:
            pages.append(await session.wait(ask(session.client, after), CONNECT_SECONDS))
        return pages

    return outcome(arguments, output, converse)
