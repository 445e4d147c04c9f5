"""`imctl history`."""

from argparse import Namespace

from im.cli.asking import outcome
from im.cli.conversations import conversation_of
from im.cli.folds import FOLDED, folded
from im.cli.marks import mark_of
from im.cli.online import CONNECT_SECONDS, Session
from im.cli.output import Output
from im.cli.records import Shown, line, record
from im.cli.talk import shown_of
from im.client.settings import HistoryPage


def run(arguments: Namespace, output: Output) -> None:
    """Show the latest of a conversation, oldest first; own messages with how far they got."""
    conversation = conversation_of(arguments)
    entries = outcome(arguments, output, lambda session: _read(session, arguments, conversation))
    for entry in entries:
        if output.is_json or entry.kind not in FOLDED:
            output.record(record(entry), line(entry))


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
    """The entries of a page as they are now; those of `user` with their marks."""
    found = []
    for message in page.messages:
        shown = shown_of(message)
        if message.sender == user:
            shown = shown._replace(mark=mark_of(message.seq, page.peer_delivered_seq, page.peer_read_seq))
        fold = page.folds.get(message.seq)
        found.append(shown if fold is None else folded(shown, fold))
    return found
