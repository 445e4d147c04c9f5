"""`imctl delete`."""

from argparse import Namespace

from im.cli.asking import answer
from im.cli.changes import tell_place
from im.cli.conversations import conversation_of
from im.cli.output import Output


def run(arguments: Namespace, output: Output) -> None:
    """Delete messages for oneself; others keep them."""
    conversation, seqs = conversation_of(arguments), arguments.seqs
    tell_place(answer(arguments, output, lambda client: client.delete(conversation, seqs)), output)
