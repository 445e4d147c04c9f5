"""Hooks of others are found and checked; what is none ends the start in one sentence."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.internet.defer import execute
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.business.hooks import NO_HOOKS, Hooks, HookSet
from im.hook import Hook, HookContext, HookOwner, Stranger, UserOnline
from im.isolation import HandlerCounters
from im.tap.hooks import InstalledHook, checked_hooks, installed_hooks, make_hooks, make_questions
from im.tap.node import StartError


class Greeter(Hook):
    """A hook without fault."""

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Take a text."""
        self.text = settings["text"]

    async def user_online(self, context: HookContext, event: UserOnline) -> None:
        """Nothing."""


class Doorman(Hook):
    """Lets everybody in."""

    async def may_write(self, context: HookContext, stranger: Stranger) -> bool:
        """Whoever it is."""
        return True


class HookTests(SynchronousTestCase):
    def sentence(self, *hooks: InstalledHook) -> str:
        error = self.assertRaises(StartError, checked_hooks, hooks)
        self.assertNotIn("\n", str(error))
        return str(error)

    def test_each_is_made_under_its_name_with_its_own_section(self) -> None:
        one = InstalledHook("greeter", "shop 1", Greeter)
        (owner,) = make_hooks(checked_hooks([one]), {"greeter": {"text": "hi"}})
        assert isinstance(owner.handler, Greeter)
        self.assertEqual(
            (owner.name, owner.handler.text, owner.settings), ("hooks.greeter", "hi", {"text": "hi"})
        )

    def test_what_is_no_hook_or_does_nothing_is_named_with_its_package(self) -> None:
        wrong: Any
        for wrong in (str, Greeter(), Hook, type("Slow", (Greeter,), {"timeout_seconds": 0})):
            self.assertIn("hook a of one 1", self.sentence(InstalledHook("a", "one 1", wrong)))

    def test_one_name_of_two_packages_names_both(self) -> None:
        said = self.sentence(InstalledHook("a", "one 1", Greeter), InstalledHook("a", "two 2", Greeter))
        self.assertIn("one 1 and two 2", said)

    def test_strangers_are_left_to_hooks_only_where_one_decides(self) -> None:
        nobody = Hooks(NO_HOOKS, Clock(), lambda: 0)
        self.assertFalse(make_questions(nobody, "friends").asks_of_strangers)
        error = self.assertRaises(StartError, make_questions, nobody, "hook")
        self.assertIn("may_write", str(error))
        doorman = HookSet([HookOwner("hooks.doorman", Doorman())], lambda owner: execute, HandlerCounters())
        hooks = Hooks(doorman, Clock(), lambda: 0)
        self.assertTrue(make_questions(hooks, "hook").asks_of_strangers)
        self.assertFalse(make_questions(hooks, "friends").asks_of_strangers)

    def test_a_section_for_nobody_ends_the_start(self) -> None:
        error = self.assertRaises(StartError, make_hooks, [], {"greter": {}})
        self.assertIn("[hooks.greter]", str(error))

    def test_settings_that_it_does_not_take_end_the_start(self) -> None:
        error = self.assertRaises(StartError, make_hooks, [InstalledHook("a", "one 1", Greeter)], {})
        self.assertIn("[hooks.a]", str(error))

    def test_an_installed_one_is_found(self) -> None:
        folder = Path(self.mktemp())
        about = folder / "shop_three-1.0.dist-info"
        about.mkdir(parents=True)
        sys.path.insert(0, str(folder))
        self.addCleanup(sys.path.remove, str(folder))
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-three\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text("[im.hooks]\ngreeter = im.test.tap.test_hooks:Greeter\n")
        found = [each for each in installed_hooks() if each.package == "shop-three 1.0"]
        self.assertEqual([(each.name, each.handler) for each in found], [("greeter", Greeter)])
