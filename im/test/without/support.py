"""What the tests of rules share: a schedule that passes, and fails once its rule is taken out."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from im.core.commands import Write
from im.core.entries import TEXT
from im.core.messages import Send
from im.testing.world import World

TALK = "d~alice~bob"


class RuleTests:
    """Mix in with a test case. Its docstring states the rule."""

    def schedule(self) -> Sequence[str]:
        """Play the rule's schedule, and tell everything that is wrong then."""
        raise NotImplementedError

    def without(self) -> AbstractContextManager[object]:
        """Take the rule out."""
        raise NotImplementedError

    def test_the_schedule_passes_with_the_rule(self) -> None:
        problems = list(self.schedule())
        assert not problems, problems

    def test_the_schedule_fails_without_the_rule(self) -> None:
        with self.without():
            problems = list(self.schedule())
        assert problems, "the schedule passes without its rule, so it says nothing about it"


def settled(world: World) -> Sequence[str]:
    """Settle a world; what its history violates."""
    world.settle()
    return world.check().violations


def a_send(number: int, sender: str = "alice", conversation: str = TALK) -> Send:
    """A message for a store, without a client."""
    return Send(conversation, sender, "phone", b"%016d" % number, b"", 0, TEXT, b"message %d" % number)


def store_untold(world: World, *writes: Write) -> None:
    """Have something stored of which every hint is lost."""
    world.node.store.write(writes)
