"""`imctl unread`."""

from argparse import Namespace
from typing import Any

from im.cli.online import CONNECT_SECONDS, online
from im.cli.output import Output
from im.cli.reactor import run as run_on_reactor
from im.core.messages import Head


def run(arguments: Namespace, output: Output) -> None:
    """Show how many unread messages each conversation has."""
    heads = run_on_reactor(lambda reactor: _heads(reactor, arguments), output.note)
    unread = sorted((head.conversation, head.unread) for head in heads if head.unread)
    total = sum(number for _, number in unread)
    document = {
        "user": arguments.user,
        "unread": total,
        "conversations": [{"conversation": name, "unread": number} for name, number in unread],
    }
    lines = [f"{number:6}  {name}" for name, number in unread]
    output.record(document, "\n".join([*lines, f"{total:6}  unread"]))


async def _heads(reactor: Any, arguments: Namespace) -> list[Head]:
    async with online(reactor, arguments, "bot") as session:
        await session.until_online(CONNECT_SECONDS)
        return await session.wait(session.client.heads(), CONNECT_SECONDS)
