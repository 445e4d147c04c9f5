"""`imctl react`."""

from argparse import Namespace

from im.cli.asking import answer
from im.cli.changes import tell
from im.cli.conversations import conversation_of
from im.cli.output import Output


def run(arguments: Namespace, output: Output) -> None:
    """Set a reaction to a message, or take it back."""
    conversation, seq = conversation_of(arguments), arguments.seq
    reaction, is_set = arguments.reaction, not arguments.remove
    tell(answer(arguments, output, lambda client: client.react(conversation, seq, reaction, is_set)), output)
