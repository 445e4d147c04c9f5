"""`imctl unread`."""

from argparse import Namespace

from im.cli.asking import answer
from im.cli.output import Output


def run(arguments: Namespace, output: Output) -> None:
    """Show how many unread messages each conversation has."""
    heads = answer(arguments, output, lambda client: client.heads())
    unread = sorted((head.conversation, head.unread) for head in heads if head.unread)
    total = sum(number for _, number in unread)
    document = {
        "user": arguments.user,
        "unread": total,
        "conversations": [{"conversation": name, "unread": number} for name, number in unread],
    }
    lines = [f"{number:6}  {name}" for name, number in unread]
    output.record(document, "\n".join([*lines, f"{total:6}  unread"]))
