"""Handlers of others are found and checked; what can't live together ends the start in one sentence."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase

from im.handler import MessageHandler
from im.proto.base_pb2 import Error, Ok
from im.tap.handlers import Installed, checked, installed_handlers, layer, make_owners
from im.tap.node import StartError


class First(MessageHandler):
    """A handler without fault."""

    type = 10_501
    body = Ok
    bodies: ClassVar = {10_502: Error}

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Take a limit, which must be a number."""
        self.limit = int(settings.get("limit", 3))

    def handle(self, context: Any, body: Any) -> None:
        """Nothing."""


def variant(**members: Any) -> type[MessageHandler]:
    """`First` with other members."""
    return type("Variant", (First,), members)


class CheckTests(SynchronousTestCase):
    def sentence(self, *handlers: Installed) -> str:
        error = self.assertRaises(StartError, checked, handlers)
        self.assertNotIn("\n", str(error))
        self.assertTrue(str(error).endswith("."))
        return str(error)

    def test_handlers_without_fault_are_kept(self) -> None:
        other = Installed("b", "two 2", variant(type=10_003, bodies={}, runs_on="gateway"))
        one = Installed("a", "one 1", First)
        self.assertEqual(checked([one, other]), [one, other])
        owners = make_owners([one, other], {})
        self.assertEqual(
            [[each.name for each in layer(owners, name)] for name in ("business", "gateway")], [["a"], ["b"]]
        )

    def test_one_number_of_two_packages_names_both(self) -> None:
        for number in (10_501, 10_502):
            other = Installed("b", "two 2", variant(type=number, bodies={}))
            said = self.sentence(Installed("a", "one 1", First), other)
            for word in (str(number), "one 1", "two 2"):
                self.assertIn(word, said)

    def test_one_name_of_two_packages_names_both(self) -> None:
        other = Installed("a", "two 2", variant(type=10_003, bodies={}))
        said = self.sentence(Installed("a", "one 1", First), other)
        self.assertIn("one 1 and two 2", said)

    def test_a_class_with_a_fault_is_named_with_its_package(self) -> None:
        for members, word in (
            ({"type": 9_999}, "10000"),
            ({"type": 2**32}, "10000"),
            ({"type": "10501"}, "10000"),
            ({"bodies": {20: Error}}, "20"),
            ({"body": str}, "protobuf"),
            ({"runs_on": "moon"}, "moon"),
            ({"timeout_seconds": 0}, "timeout_seconds"),
            ({"concurrency": 0}, "concurrency"),
        ):
            said = self.sentence(Installed("a", "one 1", variant(**members)))
            self.assertIn("handler a of one 1", said)
            self.assertIn(word, said)

    def test_what_is_no_handler_is_named(self) -> None:
        wrong: Any
        for wrong in (str, First(), type("Half", (MessageHandler,), {"type": 10_501, "body": Ok})):
            self.assertIn("handler a of one 1", self.sentence(Installed("a", "one 1", wrong)))


class SettingsTests(SynchronousTestCase):
    def test_each_gets_its_own_section(self) -> None:
        (owner,) = make_owners([Installed("a", "one 1", First)], {"a": {"limit": "5"}})
        assert isinstance(owner.handler, First)
        self.assertEqual((owner.handler.limit, owner.settings), (5, {"limit": "5"}))

    def test_settings_that_it_does_not_take_end_the_start(self) -> None:
        one = Installed("a", "one 1", First)
        error = self.assertRaises(StartError, make_owners, [one], {"a": {"limit": "x\ny"}})
        self.assertIn("[handlers.a]", str(error))
        self.assertNotIn("\n", str(error))

    def test_a_section_for_nobody_ends_the_start(self) -> None:
        error = self.assertRaises(StartError, make_owners, [], {"vot": {}})
        self.assertIn("[handlers.vot]", str(error))


class DiscoveryTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        sys.path.insert(0, str(self.folder))
        self.addCleanup(sys.path.remove, str(self.folder))

    def install(self, package: str, module: str, text: str) -> None:
        """As pip would: a module, and the entry point that names its `Handler`."""
        (self.folder / f"{module}.py").write_text(text)
        about = self.folder / f"{package}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[im.handlers]\n{module} = {module}:Handler\n")
        self.addCleanup(sys.modules.pop, module, None)

    def test_an_installed_one_is_found(self) -> None:
        self.install("shop-one", "shop_one", "from im.test.tap.test_handlers import First as Handler\n")
        found = [each for each in installed_handlers() if each.package == "shop-one 1.0"]
        self.assertEqual([(each.name, each.handler) for each in found], [("shop_one", First)])

    def test_one_that_cannot_be_imported_ends_the_start_and_is_named(self) -> None:
        self.install("shop-two", "shop_two", "import nothing_of_that_name\n")
        error = self.assertRaises(StartError, installed_handlers)
        for word in ("shop_two", "shop-two 1.0", "nothing_of_that_name"):
            self.assertIn(word, str(error))
