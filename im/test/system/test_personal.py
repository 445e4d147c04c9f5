"""Unread numbers and a person's data by `imctl`, against a real node and its database."""

import json
import signal
import sqlite3
from contextlib import closing
from typing import Any

from im.cli.admin import ask
from im.cli.keys import local_token
from im.test.system.imctl import ImctlCase, Live


class UnreadTests(ImctlCase):
    def test_a_number_is_explained(self) -> None:
        for text in ("1", "2", "3"):
            self.send("alice", "bob", text)
        told = self.ok("explain-unread", "bob", "d~alice~bob", "--json").record
        self.assertEqual((3, 3, [1, 2, 3]), (told["unread"], told["recounted"], _seqs(told)))
        self.ok("recall", "--as", "alice", "--with", "bob", "2")
        told = self.ok("explain-unread", "bob", "d~alice~bob", "--json").record
        self.assertEqual((2, 1, [1, 3]), (told["unread"], told["recalled"], _seqs(told)))
        lines = self.ok("explain-unread", "bob", "d~alice~bob").out.splitlines()
        self.assertEqual("bob has 2 unread in d~alice~bob", lines[0])
        self.assertIn(" =      2  unread; 2 counted message by message", lines)
        stranger = self.imctl("explain-unread", "carol", "d~alice~bob", "--json")
        self.assert_fails(stranger, 1, "not_found")

    def test_all_numbers_are_recounted_and_a_wrong_one_is_found(self) -> None:
        self.send("alice", "bob", "1")
        self.send("alice", "carol", "2")
        self.assertEqual("4 places, 0 differences\n", self.ok("verify-unread").out)
        self.assertEqual(
            {"places": 2, "differences": 0}, self.ok("verify-unread", "--user", "alice", "--json").record
        )
        with closing(sqlite3.connect(self.state / "im.sqlite")) as connection, connection:
            connection.execute("UPDATE member SET read_n = 1 WHERE user_id = 'carol'")
        wrong = self.imctl("verify-unread", "--json")
        self.assertEqual(1, wrong.status)
        difference, total = wrong.records
        expected = {"conversation": "d~alice~carol", "user": "carol", "unread": 0, "recounted": 1}
        self.assertEqual((expected, 1), (difference, total["differences"]))
        self.assertEqual("differs", json.loads(wrong.err)["error"])
        explained = self.imctl("explain-unread", "carol", "d~alice~carol", "--json")
        self.assertEqual((1, 0, 1), (explained.status, *_numbers(explained.record)))


class PersonTests(ImctlCase):
    def live(self) -> None:
        """Alice writes and is written to, in a group of hers, too."""
        self.ok("users", "create", "alice", "--name", "Alice Liddell")
        self.send("alice", "bob", "a secret of alice")
        self.send("bob", "alice", "a word of bob")
        made = self.ok("groups", "create", "--as", "alice", "--json", "Tea", "bob").records
        self.assertEqual(1, len(made))

    def test_an_export_is_lines_of_json_or_a_file_of_them(self) -> None:
        self.live()
        records = self.ok("export", "--user", "alice").records
        self.assertEqual("Alice Liddell", records[0]["name"])
        texts = [each.get("text") for each in records if each["record"] == "message"]
        self.assertLessEqual({"a secret of alice", "a word of bob"}, set(texts))
        path = self.folder / "alice.jsonl"
        done = self.ok("export", "--user", "alice", "--output", str(path), "--json").record
        written = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        self.assertEqual((done["records"], records[0]), (len(written), written[0]))
        self.assertEqual(0o600, path.stat().st_mode & 0o777)
        again = self.imctl("export", "--user", "alice", "--output", str(path), "--json")
        self.assert_fails(again, 1, "failed")
        nobody = self.folder / "nobody.jsonl"
        self.assert_fails(
            self.imctl("export", "--user", "nobody", "--output", str(nobody), "--json"), 1, "not_found"
        )
        self.assertFalse(nobody.exists())

    def test_an_erased_user_is_gone_and_others_keep_theirs(self) -> None:
        self.live()
        tail = Live(self, "tail", "--as", "alice", "--json")
        tail.wait_for("a word of bob")
        self.assert_fails(self.imctl("erase", "--user", "alice", "--json"), 2, "usage")
        erased = self.ok("erase", "--user", "alice", "--yes", "--json").record
        self.assertEqual(("alice", 1), (erased["user"], erased["messages"]))
        self.assertGreaterEqual(erased["rows"], 2)
        self.assertEqual(1, tail.process.wait(20), tail.out)
        history = self.ok("history", "--as", "bob", "--with", "alice", "--json").records
        seen = [each.get("text") for each in history]
        self.assertEqual(2, len(seen))
        self.assertIn("a word of bob", seen)
        self.assertNotIn("a secret of alice", seen)
        with closing(sqlite3.connect(self.state / "im.sqlite")) as connection:
            dump = "\n".join(connection.iterdump())
        self.assertNotIn("Liddell", dump)
        self.assertNotIn(b"a secret of alice".hex().upper(), dump)
        self.assertIn(b"a word of bob".hex().upper(), dump)
        self.assertEqual("4 places, 0 differences\n", self.ok("verify-unread").out)
        self.assert_fails(self.imctl("users", "create", "alice", "--json"), 1, "conflict")
        self.assert_fails(self.imctl("enable", "alice", "--json"), 1, "conflict")
        again = self.ok("erase", "--user", "alice", "--yes", "--json").record
        self.assertEqual({"user": "alice", "messages": 0, "rows": 0}, again)


class KilledTests(ImctlCase):
    def test_an_erasure_that_is_killed_goes_on_by_the_same_command(self) -> None:
        for peer in ("bob", "carol"):
            self.send("alice", peer, f"a secret for {peer}")
        token = local_token(self.state, "test", 60.0, is_admin=True)
        body = {"user": "alice", "at": ""}
        self.assertEqual(200, ask(self.told, "/v1/personal-data/erase", token, body).status)
        self.node.send(signal.SIGKILL)
        self.node.wait()
        self.start_node()
        erased = self.ok("erase", "--user", "alice", "--yes", "--json").record
        self.assertEqual(2, erased["messages"])
        self.assertNotIn("secret", self.ok("export", "--user", "bob").out)
        self.assertEqual("4 places, 0 differences\n", self.ok("verify-unread").out)


def _seqs(told: dict[str, Any]) -> list[int]:
    return [each["seq"] for each in told["messages"]]


def _numbers(told: dict[str, Any]) -> tuple[int, int]:
    return told["unread"], told["recounted"]
