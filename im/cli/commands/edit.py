"""`imctl edit`."""

from argparse import Namespace

from im.cli.asking import answer
from im.cli.changes import tell
from im.cli.conversations import conversation_of
from im.cli.output import Output


def run(arguments: Namespace, output: Output) -> None:
    """Give one's own message another text."""
    conversation, seq, text = conversation_of(arguments), arguments.seq, arguments.text
    tell(answer(arguments, output, lambda client: client.edit(conversation, seq, text)), output)
