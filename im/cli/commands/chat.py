"""`imctl chat`."""

import sys
from argparse import Namespace
from typing import Any

from im.cli.chat_lines import LineView, StandardInput
from im.cli.chatting import Chat, Face
from im.cli.online import online
from im.cli.output import Output
from im.cli.reactor import run as run_on_reactor
from im.cli.talk import Pair
from im.cli.transcript import Transcript
from im.core.ids import direct_conversation


def run(arguments: Namespace, output: Output) -> None:
    """Talk with a user: on a screen if there is a terminal, else by lines of stdin and stdout."""
    is_screen = sys.stdin.isatty() and sys.stdout.isatty() and not output.is_json
    if is_screen:
        from twisted.internet import asyncioreactor

        asyncioreactor.install()  # prompt_toolkit runs on asyncio
    run_on_reactor(lambda reactor: _chat(reactor, arguments, output, is_screen), output.note)


async def _chat(reactor: Any, arguments: Namespace, output: Output, is_screen: bool) -> None:
    pair = Pair(arguments.user, arguments.to, direct_conversation(arguments.user, arguments.to))
    transcript = Transcript(pair.user)
    face = _screen(pair, transcript) if is_screen else _lines(reactor, pair, output)
    async with online(reactor, arguments, "desktop") as session:
        await Chat(session, pair, transcript, face).run()


def _screen(pair: Pair, transcript: Transcript) -> Face:
    from im.cli.chat_screen import Screen

    return Screen(f"{pair.user} with {pair.peer}", transcript)


def _lines(reactor: Any, pair: Pair, output: Output) -> Face:
    return LineView(output, pair.conversation, StandardInput(reactor))
