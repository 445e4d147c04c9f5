"""Which entries count as unread, and what may be sent or changed."""

from twisted.trial.unittest import SynchronousTestCase

from im.core import entries


class EntryTests(SynchronousTestCase):
    def test_messages_count_and_what_tells_of_them_does_not(self) -> None:
        counting = {number for number in range(-1, 200) if entries.counts(number)}
        self.assertEqual(set(range(1, 100)) - {entries.RECALLED}, counting)

    def test_the_table_agrees_with_itself(self) -> None:
        for number, kind in entries.KINDS.items():
            self.assertEqual(kind.counts, entries.counts(number), kind.name)
        self.assertEqual(len(entries.KINDS), len({kind.name for kind in entries.KINDS.values()}))

    def test_nobody_sends_what_only_the_system_stores(self) -> None:
        for kind in (entries.PLACEHOLDER, entries.RECALLED, entries.PUSH, entries.GROUP_SET, entries.EDIT):
            self.assertFalse(entries.is_message(kind))
        for kind in (entries.TEXT, entries.IMAGE, entries.RICH, entries.FIRST_APP_KIND, 99):
            self.assertTrue(entries.is_message(kind))

    def test_a_purged_entry_is_told_of_as_a_placeholder_and_keeps_its_kind(self) -> None:
        for kind in (entries.TEXT, entries.EDIT, 99):
            self.assertEqual(kind, entries.original(-kind))
            self.assertEqual(kind, entries.original(kind))
            self.assertEqual(entries.PLACEHOLDER, entries.shown(-kind))
            self.assertEqual(kind, entries.shown(kind))
            self.assertFalse(entries.is_message(-kind))

    def test_messages_edits_and_reactions_are_purged_and_what_tells_of_a_group_is_not(self) -> None:
        going = {number for number in entries.KINDS if number not in entries.LASTING}
        messages = {number for number, kind in entries.KINDS.items() if kind.counts}
        self.assertEqual({entries.PLACEHOLDER, *messages, entries.EDIT, entries.REACTION}, going)

    def test_a_message_that_refers_to_bytes_elsewhere_stays_as_it_is(self) -> None:
        self.assertTrue(entries.is_editable(entries.TEXT))
        for kind in entries.MEDIA:
            self.assertFalse(entries.is_editable(kind))
