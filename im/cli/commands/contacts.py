"""`imctl contacts`."""

from argparse import Namespace

from im.cli.actions import CONTACT_CHANGES
from im.cli.asking import answer
from im.cli.columns import aligned
from im.cli.contacts import contacts_of, record, row
from im.cli.conversations import conversation_of
from im.cli.failures import usage
from im.cli.output import Json, Output, shown
from im.core.contacts import badge


def run(arguments: Namespace, output: Output) -> None:
    """Show a user's conversations, or change what the user keeps of one."""
    is_named = (arguments.peer, arguments.conversation) != (None, None)
    if is_named is (arguments.change is None):
        raise usage("a CHANGE and the conversation that it is for go together; the list takes neither")
    _list(arguments, output) if arguments.change is None else _change(arguments, output)


def _change(arguments: Namespace, output: Output) -> None:
    conversation = conversation_of(arguments)
    kept = CONTACT_CHANGES[arguments.change]
    contact = answer(arguments, output, lambda client: client.set_contact(conversation, **kept))
    record: dict[str, Json] = {"conversation": conversation}
    record |= {name: getattr(contact, name) for name in ("pinned", "muted", "hidden", "marked")}
    is_so = [name for name, is_set in record.items() if is_set is True]
    output.record(record, shown(f"{conversation}: {', '.join(is_so) or 'as any other'}"))


def _list(arguments: Namespace, output: Output) -> None:
    """All of them, and at last how many messages are unread as a badge counts them."""
    heads = answer(arguments, output, lambda client: client.heads())
    contacts = contacts_of(heads, arguments.user)
    listed = [each for each in contacts if arguments.hidden or not each.head.contact.hidden]
    listed = listed[: arguments.limit]
    for each, line in zip(listed, aligned([row(each) for each in listed]), strict=True):
        output.record(record(each), line)
    total = badge(heads)
    output.record({"unread": total, "contacts": len(contacts)}, f"{total:6}  unread")
