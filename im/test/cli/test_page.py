"""The page of imctl names every command, option and mark, and its commands can be read."""

import argparse
import shlex
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from im.cli.actions import FRIENDS, GROUPS
from im.cli.arguments import COMMANDS, make_parser
from im.cli.checks import CHECKS
from im.cli.failures import Status
from im.cli.marks import SIGNS
from im.test.docs_commands import commands

PAGE = Path(__file__).resolve().parents[3] / "docs" / "imctl.md"


def options(parser: argparse.ArgumentParser) -> set[str]:
    """Every long option of a parser, and of the commands and actions below it."""
    found = set()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                found |= options(each)
        found |= {option for option in action.option_strings if option.startswith("--")}
    return found


class PageTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.page = PAGE.read_text("utf-8")

    def test_it_has_a_chapter_and_an_example_of_every_command(self) -> None:
        examples = [shlex.split(each.text) for each in commands(PAGE)]
        self.assertEqual({each[1] for each in examples}, set(COMMANDS))
        for name in COMMANDS:
            self.assertIn(f"\n### {name}\n", self.page)

    def test_its_examples_are_command_lines_of_imctl(self) -> None:
        for example in commands(PAGE):
            program, *argv = shlex.split(example.text)
            self.assertEqual((program, make_parser().parse_args(argv).command), ("scripts/imctl", argv[0]))

    def test_it_names_every_option(self) -> None:
        found = options(make_parser())
        self.assertGreater(len(found), 15)
        self.assertEqual([each for each in sorted(found) if f"`{each}" not in self.page], [])

    def test_it_names_every_action(self) -> None:
        for command, actions in {"friends": FRIENDS, "groups": GROUPS}.items():
            for action in actions:
                self.assertIn(f"{command} {action}", " ".join(self.page.split()))

    def test_it_names_every_mark_and_exit_status(self) -> None:
        for mark, sign in SIGNS.items():
            self.assertIn(f"| `{sign}` | `{mark.value}` |", self.page)
        for status in Status:
            self.assertIn(f"\n| {int(status)} | ", self.page)

    def test_it_tells_of_every_check(self) -> None:
        told = self.page.partition("### doctor")[2]
        for word in CHECKS:
            self.assertIn(word, told)
