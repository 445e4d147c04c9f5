"""The tables of `protocol/README.md` are those of the code."""

from twisted.trial.unittest import SynchronousTestCase

from im.core.errors import Code
from im.core.ids import direct_conversation, inbox_conversation
from im.test.markdown import ROOT, table
from im.wire.types import FIRST_CUSTOM_TYPE, NUMBERS, TYPES, Direction

README = ROOT / "protocol" / "README.md"
NONE = "–"


class ReadmeTest(SynchronousTestCase):
    def test_the_table_of_types_is_that_of_the_code(self) -> None:
        written = [
            (row["number"], row["name"], row["body"], row["by"], row["login"], row["answered by"])
            for row in table(README, "number", "name", "body", "by", "login", "answered by", "errors")
        ]
        expected = [
            (
                str(row.number),
                row.name,
                row.body.DESCRIPTOR.name,
                row.direction.value,
                "yes" if row.login else "no",
                ", ".join(TYPES[number].name for number in row.answers) or NONE,
            )
            for row in TYPES.values()
        ]
        self.assertEqual(written, expected)

    def test_the_errors_of_a_type_are_codes_of_requests(self) -> None:
        for row in table(README, "number", "name", "body", "by", "login", "answered by", "errors"):
            named = [] if row["errors"] == NONE else row["errors"].split(", ")
            self.assertEqual(
                [name for name in named if name.upper() not in Code.__members__], [], row["name"]
            )
            self.assertEqual(bool(named), "ERROR" in row["answered by"], row["name"])

    def test_the_table_of_codes_is_that_of_the_code(self) -> None:
        written = [
            (row["number"], row["name"], row["again"])
            for row in table(README, "number", "name", "again", "meaning")
        ]
        expected = [
            (str(int(code)), f"`{code.label}`", "yes" if code.is_retryable else "no") for code in Code
        ]
        self.assertEqual(written, expected)

    def test_every_code_says_what_it_means(self) -> None:
        for row in table(README, "number", "name", "again", "meaning"):
            self.assertTrue(row["meaning"], row["name"])

    def test_the_examples_of_ids_are_what_the_code_makes(self) -> None:
        text = README.read_text(encoding="utf-8")
        self.assertIn(f"`{direct_conversation('bob', 'alice')}`", text)
        self.assertIn(f"`{inbox_conversation('USER')}`", text)


class TypesTest(SynchronousTestCase):
    def test_every_type_has_a_body_of_its_own(self) -> None:
        self.assertEqual(len(NUMBERS), len(TYPES))

    def test_every_type_is_below_those_of_apps(self) -> None:
        self.assertTrue(all(0 < number < FIRST_CUSTOM_TYPE for number in TYPES))

    def test_what_answers_a_type_comes_from_the_other_side(self) -> None:
        for row in TYPES.values():
            for number in row.answers:
                self.assertNotEqual(TYPES[number].direction, row.direction, row.name)

    def test_only_the_login_comes_before_the_login(self) -> None:
        early = [row.name for row in TYPES.values() if row.direction is Direction.CLIENT and not row.login]
        self.assertEqual(early, ["ONLINE"])
