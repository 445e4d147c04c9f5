"""U1: unread is a difference of running counts, less what is recalled; what tells of a group never counts."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.operations import gone, posts
from im.proto import content_pb2, group_pb2
from im.test.without.groups import TALK, GroupWorld
from im.test.without.support import RuleTests


def unread_of_bob() -> int | None:
    """After a new name of the group, and two messages of which one is recalled."""
    talk = GroupWorld("bob")
    talk.change("alice", set=group_pb2.SetGroup(name="New name"))
    talk.post("alice", b"text 1")
    talk.post("alice", b"text 2")
    alice, bob = talk.clients["alice"], talk.clients["bob"]
    recall = content_pb2.RecallMessage()
    body = content_pb2.ChangeMessage(conversation=TALK, key=b"r" * 16, target=3, recall=recall)
    alice.core.ask(body, alice._now)
    talk.run(1)
    bob.refresh()
    talk.run(1)
    head = talk.head("bob")
    return None if head is None else head.unread


class SystemEntryTests(RuleTests, SynchronousTestCase):
    """U1: a system entry counts for nobody."""

    def schedule(self) -> Sequence[str]:
        unread = unread_of_bob()
        return [] if unread == 1 else [f"{unread} unread of one"]

    def without(self) -> AbstractContextManager[object]:
        return mock.patch.object(posts, "counts", lambda kind: True)


class RecallTests(SystemEntryTests):
    """U1: a recalled message that was not seen is not unread."""

    def without(self) -> AbstractContextManager[object]:
        return mock.patch.object(gone, "gone_after", lambda *asked: 0)
