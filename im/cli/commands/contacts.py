"""`imctl contacts`."""

from argparse import Namespace

from im.cli.asking import answer
from im.cli.columns import aligned
from im.cli.contacts import contacts_of, record, row, total_unread
from im.cli.output import Output


def run(arguments: Namespace, output: Output) -> None:
    """Show a user's conversations, and at last how many messages are unread in those not muted."""
    heads = answer(arguments, output, lambda client: client.heads())
    contacts = contacts_of(heads, arguments.user)
    listed = [each for each in contacts if arguments.hidden or not each.head.contact.hidden]
    listed = listed[: arguments.limit]
    for each, line in zip(listed, aligned([row(each) for each in listed]), strict=True):
        output.record(record(each), line)
    total = total_unread(contacts)
    output.record({"unread": total, "contacts": len(contacts)}, f"{total:6}  unread")
