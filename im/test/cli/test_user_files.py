"""Users of a file: what a file may hold, and what is said of one that holds something else."""

from argparse import Namespace
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from im.cli.commands import users
from im.cli.failures import Failure
from im.cli.output import Output
from im.cli.user_files import users_in


class FileCase(SynchronousTestCase):
    def file(self, text: str | bytes, name: str = "users.csv") -> Path:
        path = Path(self.mktemp())
        path.mkdir()
        path /= name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def refusal(self, text: str | bytes, name: str = "users.csv") -> str:
        return str(self.assertRaises(Failure, list, users_in(self.file(text, name))).text)


class CsvTests(FileCase):
    def test_columns_are_those_of_the_head_and_all_others_are_fields(self) -> None:
        found = list(users_in(self.file('\ufeffuser,name,team\nzoë,"Zoë, a",sales\nbob,,\n')))
        zoe = {"user": "zoë", "name": "Zoë, a", "fields": {"team": "sales"}}
        self.assertEqual(found, [zoe, {"user": "bob", "fields": {}}])

    def test_what_is_wrong_is_told_with_its_line(self) -> None:
        for text, words in (
            ("name\nBob\n", "names no column user"),
            ("", "names no column user"),
            ("user,name\nbob,Bob\ncarol\n", "line 3"),
            ("user\nbob,Bob\n", "line 2"),
            ('user\n"bob"x\n', "expected"),
            (b"user\n\xff\n", "not UTF-8"),
        ):
            self.assertIn(words, self.refusal(text))

    def test_a_file_that_is_not_there_is_told(self) -> None:
        failure = self.assertRaises(Failure, list, users_in(Path("no-such.csv")))
        self.assertIn("No such file", str(failure.text))


class JsonTests(FileCase):
    def test_each_line_is_a_user(self) -> None:
        found = list(users_in(self.file('{"user": "bob"}\n\n{"user": "eve", "name": "E"}\n', "u.jsonl")))
        self.assertEqual(found, [{"user": "bob"}, {"user": "eve", "name": "E"}])

    def test_what_is_wrong_is_told_with_its_line(self) -> None:
        self.assertIn("line 2: no JSON:", self.refusal('{"user": "bob"}\n{\n', "u.jsonl"))
        self.assertIn("line 1: no JSON object", self.refusal("[]\n", "u.jsonl"))


class ImportTests(FileCase):
    def setUp(self) -> None:
        self.asked: list[list[Mapping[str, Any]]] = []
        self.patch(users, "question", self.question)
        self.out = StringIO()

    def question(self, arguments: Namespace, path: str, body: Any, seconds: float) -> object:
        page = body["users"]
        self.asked.append(page)
        refused = [
            {"user": each["user"], "code": "invalid_argument", "text": "no id"}
            for each in page
            if " " in each["user"]
        ]
        return {"imported": len(page) - len(refused), "refused": refused}

    def import_all(self, text: str) -> None:
        arguments = Namespace(action="import", what=str(self.file(text)), name=None, avatar=None, field=None)
        users.run(arguments, Output(self.out, StringIO(), is_json=False))

    def test_a_long_file_goes_in_pages(self) -> None:
        self.import_all("user\n" + "".join(f"u{number}\n" for number in range(2_500)))
        self.assertEqual([len(page) for page in self.asked], [1_000, 1_000, 500])

    def test_large_profiles_go_in_smaller_ones(self) -> None:
        self.import_all("user,about\n" + "".join(f"u{number},{'x' * 4_000}\n" for number in range(300)))
        self.assertGreater(len(self.asked), 2)
        self.assertEqual(sum(len(page) for page in self.asked), 300)

    def test_who_is_refused_is_told_and_the_others_are_there(self) -> None:
        failure = self.assertRaises(Failure, self.import_all, "user\nbob\na b\n")
        self.assertEqual((failure.code, self.out.getvalue()), ("refused", "a b  refused: no id\n"))

    def test_a_field_without_a_value_is_a_wrong_command_line(self) -> None:
        given = Namespace(action="create", what="bob", name=None, avatar=None, field=["team"])
        failure = self.assertRaises(Failure, users.run, given, Output(StringIO(), StringIO(), is_json=False))
        self.assertEqual(failure.code, "usage")
        shown = Namespace(action="show", what="bob", name="Bob", avatar=None, field=None)
        failure = self.assertRaises(Failure, users.run, shown, Output(StringIO(), StringIO(), is_json=False))
        self.assertEqual(failure.code, "usage")
