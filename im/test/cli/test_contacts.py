"""Contacts: their order, names, previews and what counts in the total."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from im.cli.columns import aligned
from im.cli.contacts import contacts_of, named, record, row
from im.core.groups import GroupFacts
from im.core.messages import Entry, Head
from im.core.relations import FRIEND, NO_CONTACT, Contact

LUNCH = GroupFacts("Lunch", "", 3, "member", 0, False, mentions=2)


def head(conversation: str, time_ms: int = 1_000, **fields: Any) -> Head:
    last = Entry(1, 1, 1, "bob", b"", time_ms, b"hello")
    plain = Head(conversation, 1, 1, time_ms, 1, 0, 0, 1, True, 0, 0, 0, 0, last)
    return plain._replace(**fields)


class ContactsTest(SynchronousTestCase):
    def test_the_pinned_come_first_then_the_latest(self) -> None:
        heads = [
            head("d~alice~bob", 1),
            head("d~alice~carol", 3),
            head("d~alice~dave", 2, contact=Contact(pinned=True)),
        ]
        self.assertEqual([each.user for each in contacts_of(heads, "alice")], ["dave", "carol", "bob"])

    def test_a_name_is_the_users_own_else_the_groups_else_the_other_sides(self) -> None:
        for given, name in (
            (head("d~alice~bob"), "bob"),
            (head("d~alice~bob", contact=Contact("Bobby")), "Bobby (bob)"),
            (head("g~1", group=LUNCH), "Lunch (g~1)"),
            (head("g~1", group=LUNCH._replace(name="")), "g~1"),
            (head("g~1", group=LUNCH, contact=Contact("Noon")), "Noon (g~1)"),
            (head("i~alice"), "(app)"),
        ):
            (contact,) = contacts_of([given], "alice")
            self.assertEqual(named(contact), name)

    def test_a_contact_is_a_record(self) -> None:
        kept = Contact("Bobby", muted=True, relation=FRIEND)
        (contact,) = contacts_of([head("d~alice~bob", contact=kept)], "alice")
        self.assertTrue(contact.is_friend)
        flags = {"pinned": False, "muted": True, "hidden": False, "marked": False, "active": True}
        told = {"conversation": "d~alice~bob", "user": "bob", "name": "Bobby", "unread": 1, "mentions": 0}
        self.assertEqual(record(contact), told | flags | {"preview": "hello", "time_ms": 1_000})

    def test_a_row_says_what_is_to_be_known(self) -> None:
        unread, _, name, said = row(contacts_of([head("g~1", group=LUNCH)], "alice")[0])
        self.assertEqual((unread, name, said), ("     1", "Lunch (g~1)", "bob: hello  [mentioned 2]"))
        kept = NO_CONTACT._replace(pinned=True, is_blocking=True, marked=True)
        gone = head("d~alice~bob", 0, contact=kept, active=False, last=None)
        _, when, _, said = row(contacts_of([gone], "alice")[0])
        self.assertEqual((when, said), ("", "  [pinned, marked unread, blocked, left]"))

    def test_a_row_has_no_control_characters(self) -> None:
        (contact,) = contacts_of([head("d~alice~bob", contact=Contact("\x1b[2J"))], "alice")
        self.assertEqual(row(contact)[2], "\\x1b[2J (bob)")


class ColumnsTest(SynchronousTestCase):
    def test_columns_stand_below_each_other(self) -> None:
        self.assertEqual(aligned([("a", "b"), ("long", "")]), ["a     b", "long"])
        self.assertEqual(aligned([("你好", "x"), ("abcd", "y")]), ["你好  x", "abcd  y"])
        self.assertEqual(aligned([]), [])
