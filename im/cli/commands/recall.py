"""`imctl recall`."""

from argparse import Namespace

from im.cli.asking import answer
from im.cli.changes import tell
from im.cli.conversations import conversation_of
from im.cli.output import Output


def run(arguments: Namespace, output: Output) -> None:
    """Take a message back."""
    conversation = conversation_of(arguments)
    tell(answer(arguments, output, lambda client: client.recall(conversation, arguments.seq)), output)
