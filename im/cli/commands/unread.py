"""`imctl unread`."""

from argparse import Namespace

from im.cli.asking import answer
from im.cli.output import Output
from im.core.contacts import badge
from im.core.relations import Contact


def run(arguments: Namespace, output: Output) -> None:
    """Show how many unread messages each conversation has, and what a badge says."""
    heads = answer(arguments, output, lambda client: client.heads())
    unread = sorted((head for head in heads if head.unread), key=lambda head: head.conversation)
    total = badge(heads)
    rows = [
        {
            "conversation": head.conversation,
            "unread": head.unread,
            "muted": head.contact.muted,
            "hidden": head.contact.hidden,
        }
        for head in unread
    ]
    lines = [f"{head.unread:6}  {head.conversation}{_apart(head.contact)}" for head in unread]
    document = {"user": arguments.user, "unread": total, "conversations": rows}
    output.record(document, "\n".join([*lines, f"{total:6}  unread"]))


def _apart(contact: Contact) -> str:
    """Why a conversation is not in the sum."""
    names = [name for name in ("muted", "hidden") if getattr(contact, name)]
    return f"  [{', '.join(names)}]" if names else ""
