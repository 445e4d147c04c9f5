"""`imctl online-time`: questions to the admin port, and the forms of its answers."""

import io
import json
from unittest.mock import patch

from im.cli.admin import Answer
from im.cli.commands import online_time
from im.cli.main import run
from im.tap.statedir import NodeFile
from im.test.cli.test_local import NODE, LocalCase

ROW = {
    "start": "2026-03-29",
    "device_class": "all",
    "online_seconds": 3600.5,
    "online_error_seconds": 32.0,
    "foreground_seconds": 60.0,
    "foreground_error_seconds": 2.0,
}
CELLS = "2026-03-29,all,3600.5,32.0,60.0,2.0"


def report(user: str) -> dict[str, object]:
    return {"user": user, "zone": "UTC", "online_time": [ROW]}


class OnlineTimeTests(LocalCase):
    def setUp(self) -> None:
        super().setUp()
        self.make()
        self.asked: list[str] = []
        self.answers: list[Answer] = []

    def answer(self, document: object, status: int = 200) -> None:
        self.answers.append(Answer(status, json.dumps(document).encode()))

    def ask(self, node: NodeFile, path: str, token: str) -> Answer:
        self.asked.append(path)
        return self.answers.pop(0)

    def run_it(self, *argv: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with (
            patch.object(online_time, "node_of", return_value=NODE),
            patch.object(online_time, "ask", self.ask),
        ):
            status = run(["online-time", *argv, "--state-dir", str(self.folder)], out, err)
        return status, out.getvalue(), err.getvalue()

    def test_a_user_s_days_are_shown_with_what_they_may_be_off(self) -> None:
        self.answer(report("alice"))
        status, out, _ = self.run_it("alice", "--from", "2026-03-29", "--zone", "Europe/Paris")
        self.assertEqual(0, status)
        expected = "alice  2026-03-29  all      online 3600.5 ± 32.0 s  foreground 60.0 ± 2.0 s\n"
        self.assertEqual(expected, out)
        path = "/v1/users/alice/online-time?from=2026-03-29&by=day&zone=Europe%2FParis"
        self.assertEqual([path], self.asked)

    def test_an_id_is_quoted(self) -> None:
        self.answer(report("a/b?"))
        self.run_it("a/b?", "--by", "hour")
        self.assertEqual(["/v1/users/a%2Fb%3F/online-time?by=hour"], self.asked)

    def test_json_is_one_row_a_line(self) -> None:
        self.answer(report("alice"))
        _, out, _ = self.run_it("alice", "--json")
        self.assertEqual({"user": "alice", "zone": "UTC", **ROW}, json.loads(out))

    def test_everyone_comes_page_after_page_as_csv(self) -> None:
        self.answer({"users": [report("alice")], "next": "b b"})
        self.answer({"users": [], "next": "c"})
        self.answer({"users": [report("zoe")], "next": ""})
        status, out, _ = self.run_it("--all", "--csv")
        head, *rows = out.splitlines()
        self.assertEqual((0, 8), (status, head.count(",") + 1))
        self.assertEqual([f"alice,UTC,{CELLS}", f"zoe,UTC,{CELLS}"], rows)
        self.assertEqual(["after=", "after=b+b", "after=c"], [path.partition("&")[2] for path in self.asked])

    def test_a_refusal_says_why(self) -> None:
        text = "zone must be an IANA time zone such as Europe/Paris"
        self.answer({"error": {"code": "invalid_argument", "text": text}}, 400)
        status, out, err = self.run_it("alice", "--zone", "Mars")
        self.assertEqual((1, ""), (status, out))
        self.assertIn(text, err)

    def test_a_wrong_command_line_is_told(self) -> None:
        for argv in ((), ("alice", "--all"), ("alice", "--csv", "--json"), ("alice", "--by", "week")):
            self.assertEqual(2, self.run_it(*argv)[0], argv)
        self.assertEqual([], self.asked)
