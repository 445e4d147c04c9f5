"""`imctl readers`."""

from argparse import Namespace

from im.cli.asking import answer
from im.cli.conversations import conversation_of
from im.cli.output import Json, Output, shown


def run(arguments: Namespace, output: Output) -> None:
    """Show how many have read a message, and who, where they are few."""
    conversation, seq = conversation_of(arguments), arguments.seq
    readers = answer(arguments, output, lambda client: client.readers(conversation, seq))
    record: dict[str, Json] = {**readers._asdict(), "users": [*readers.users]}
    names = f": {', '.join(readers.users)}" if readers.users else ""
    output.record(record, shown(f"{readers.read} of {readers.members} have read it{names}"))
