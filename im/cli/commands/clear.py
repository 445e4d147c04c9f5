"""`imctl clear`."""

from argparse import Namespace

from im.cli.asking import answer
from im.cli.changes import tell_place
from im.cli.conversations import conversation_of
from im.cli.output import Output


def run(arguments: Namespace, output: Output) -> None:
    """Delete everything up to a message for oneself; others keep it."""
    conversation, seq = conversation_of(arguments), arguments.seq
    tell_place(answer(arguments, output, lambda client: client.clear(conversation, seq)), output)
