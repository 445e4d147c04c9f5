"""`imctl chat`."""

import sys
from argparse import Namespace
from typing import Any

from im.cli.chat_lines import LineView, StandardInput
from im.cli.chatting import DEVICE_CLASS, Chat, Face
from im.cli.conversations import conversation_of
from im.cli.online import online
from im.cli.output import Output
from im.cli.reactor import run as run_on_reactor
from im.cli.talk import Pair, pair_in
from im.cli.transcript import Transcript


def run(arguments: Namespace, output: Output) -> None:
    """Talk with users and in groups: on a screen if there is a terminal, else by lines."""
    is_somewhere = (arguments.peer, arguments.conversation) != (None, None)
    pair = pair_in(arguments.user, conversation_of(arguments) if is_somewhere else "")
    transcript = Transcript(pair.user)
    is_screen = sys.stdin.isatty() and sys.stdout.isatty() and not output.is_json
    face = _screen(pair, transcript) if is_screen else _lines(pair, output)
    tell = face.note if is_screen else output.note
    run_on_reactor(lambda reactor: _chat(reactor, arguments, pair, transcript, face), tell)


async def _chat(reactor: Any, arguments: Namespace, pair: Pair, transcript: Transcript, face: Face) -> None:
    async with online(reactor, arguments, DEVICE_CLASS) as session:
        await Chat(session, pair, transcript, face).run()


def _screen(pair: Pair, transcript: Transcript) -> Face:
    from twisted.internet import asyncioreactor

    from im.cli.chat_screen import Screen

    asyncioreactor.install()  # prompt_toolkit runs on asyncio
    return Screen(pair.title, transcript)


def _lines(pair: Pair, output: Output) -> Face:
    from twisted.internet import reactor

    return LineView(output, pair.conversation, StandardInput(reactor))
