"""A database goes back to a backup of its own: clients notice, and mix nothing."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from twisted.internet import reactor

from im.client import Message, Sent, direct_conversation
from im.test.faults.case import FaultCase
from im.test.faults.nodes import KEY_FILE, FaultyNode, Stored, until
from im.test.faults.people import Habits, Person, Traffic
from im.test.system.processes import BIN, Process

PAIRS = ("alice", "bob"), ("carol", "dave"), ("alice", "carol")
PER_SECOND = 300.0
BOB_AND_DAVE = direct_conversation("bob", "dave")
"""They talk for the first time after the backup, and for the first time again after the restore."""
TALKS = 5


class RestoreTests(FaultCase):
    async def test_after_a_restore_everyone_has_what_is_new_and_nothing_twice(self) -> None:
        node = self.make_node()
        node.start()
        await node.ready()
        crowd = await self.crowd(node, *PAIRS, habits=Habits(folder=self.folder))
        traffic = Traffic(reactor, crowd, PER_SECOND)
        file = self.folder / "backup"
        traffic.start()
        try:
            await self.sleep(0.5)
            await self.imctl("backup", str(file), "--state-dir", str(node.state))
            young = [crowd.people["bob"], crowd.people["dave"]]
            self.talk(*young)
            await self.sleep(0.7)
            self.assertTrue(all(BOB_AND_DAVE in conversations(person) for person in young))
            await node.kill()
            before = {name: len(person.sent) for name, person in crowd.people.items()}
            restored = await self.restore(file, node)
            await crowd.people["alice"].restart()
            restored.start()
            await restored.ready()
            await until(reactor, crowd.are_online, "everyone online again")
            self.talk(*young)
            await self.sleep(0.5)
        finally:
            traffic.stop()
        await crowd.settle()
        await crowd.leave()
        await self.end_well(restored)
        stored = restored.stored()
        lost = sum(len(log) for log in node.stored().logs.values()) - shared(stored)
        self.assertGreater(lost, 0)
        self.assertEqual(crowd.unread, {place: head.unread for place, head in stored.heads.items()})
        for name, person in crowd.people.items():
            self.assert_handed_once(person, stored)
            self.assert_stored(person.sent[before[name] :], stored)
        print(
            f"{shared(stored)} messages in the backup, {lost} lost after it, "
            f"{sum(len(log) for log in stored.logs.values()) - shared(stored)} in the new epoch"
        )

    def talk(self, one: Person, other: Person) -> None:
        """Let two say a few things to each other."""
        for number in range(TALKS):
            one.send(other.user, f"{one.user} {number}")
            other.send(one.user, f"{other.user} {number}")

    async def restore(self, file: Path, node: FaultyNode) -> FaultyNode:
        """A node with a state folder of its own in the place of another, from a backup."""
        restored = self.make_node("restored", node.port)
        shutil.copy(node.state / KEY_FILE, restored.state / KEY_FILE)
        await self.imctl("restore", str(file), "--state-dir", str(restored.state))
        return restored

    async def imctl(self, *arguments: str) -> None:
        """Run a command to its end."""
        process = Process([BIN / "imctl", *arguments], self.folder)
        self.addCleanup(process.end)
        await until(reactor, lambda: process.has_ended, "the end of imctl")
        self.assertEqual(process.wait(), 0, process.err)

    def assert_handed_once(self, person: Person, stored: Stored) -> None:
        """Of the log that stands, a person was handed every entry of others once, in order.

        Beside it they were handed what was lost: entries of the old epoch beyond the backup.
        """
        epochs = list(dict.fromkeys(message.epoch for message in person.handed))
        self.assertEqual(len(epochs), 2)
        for (user, conversation), head in stored.heads.items():
            if user != person.user:
                continue
            handed = [
                place_of(message)
                for message in person.handed
                if message.conversation == conversation
                and not (message.epoch == epochs[0] and message.seq > head.epoch_seq)
            ]
            log = stored.logs[conversation]
            self.assertGreater(len(log), head.epoch_seq)
            self.assertEqual(head.epoch_seq > 0, conversation != BOB_AND_DAVE)
            expected = [
                (entry.seq, entry.sender, entry.client_msg_id, entry.content)
                for entry in log
                if entry.sender != user
            ]
            self.assertEqual(handed, expected)

    def assert_stored(self, sent: Sequence[Sent], stored: Stored) -> None:
        """What was acknowledged is in the log, at its place."""
        for each in sent:
            self.assertEqual(stored.logs[each.conversation][each.seq - 1].client_msg_id, each.client_msg_id)


def place_of(message: Message) -> tuple[int, str, bytes, bytes]:
    """A message as a log has it."""
    return message.seq, message.sender, message.client_msg_id, message.content


def conversations(person: Person) -> set[str]:
    """Where a person was handed something."""
    return {message.conversation for message in person.handed}


def shared(stored: Stored) -> int:
    """How many entries were in the backup."""
    return sum({head.conversation: head.epoch_seq for head in stored.heads.values()}.values())
