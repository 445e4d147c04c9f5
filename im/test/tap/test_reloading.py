"""Tests of `im.tap.reloading`."""

from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from im.tap.reloading import reload_all


class ReloadTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.tried: list[str] = []

    def reload(self, name: str, is_bad: bool = False) -> Callable[[], None]:
        def read() -> None:
            self.tried.append(name)
            if is_bad:
                raise ValueError(f"{name} is bad")

        return read

    def test_a_bad_file_keeps_no_other_from_being_read_and_each_is_named(self) -> None:
        reloads = [self.reload("a", is_bad=True), self.reload("b"), self.reload("c", is_bad=True)]
        error = self.assertRaises(ValueError, reload_all, reloads)
        self.assertEqual(str(error), "a is bad; c is bad")
        self.assertEqual(self.tried, ["a", "b", "c"])

    def test_good_files_raise_nothing(self) -> None:
        reload_all([self.reload("a"), self.reload("b")])
        self.assertEqual(self.tried, ["a", "b"])
