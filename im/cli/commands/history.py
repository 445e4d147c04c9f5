"""`imctl history`."""

from argparse import Namespace
from typing import Any

from im.cli.conversations import conversation_with
from im.cli.marks import mark_of
from im.cli.online import CONNECT_SECONDS, Session, online
from im.cli.output import Output
from im.cli.reactor import run as run_on_reactor
from im.cli.records import Shown, line, record
from im.cli.talk import shown_of
from im.client.settings import HistoryPage


def run(arguments: Namespace, output: Output) -> None:
    """Show the latest of a conversation, oldest first; own messages with how far they got."""
    conversation = arguments.conversation or conversation_with(arguments.user, arguments.peer)
    entries = run_on_reactor(lambda reactor: _history(reactor, arguments, conversation), output.note)
    for entry in entries:
        output.record(record(entry), line(entry))


async def _history(reactor: Any, arguments: Namespace, conversation: str) -> list[Shown]:
    async with online(reactor, arguments, "bot") as session:
        await session.until_online(CONNECT_SECONDS)
        return await _read(session, arguments, conversation)


async def _read(session: Session, arguments: Namespace, conversation: str) -> list[Shown]:
    """Pages, back from the newest, until there are enough."""
    entries: list[Shown] = []
    before = arguments.before or 0
    while len(entries) < arguments.limit:
        wanted = arguments.limit - len(entries)
        asked = session.client.history(conversation, before=before, limit=wanted)
        page = await session.wait(asked, CONNECT_SECONDS)
        entries = entries_of(page, arguments.user) + entries
        if not page.more or not page.messages:
            break
        before = page.messages[0].seq
    return entries


def entries_of(page: HistoryPage, user: str) -> list[Shown]:
    """The entries of a page; those of `user` with their marks."""
    found = []
    for message in page.messages:
        shown = shown_of(message)
        if message.sender == user:
            shown = shown._replace(mark=mark_of(message.seq, page.peer_delivered_seq, page.peer_read_seq))
        found.append(shown)
    return found
