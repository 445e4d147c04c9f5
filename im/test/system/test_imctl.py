"""`imctl` as a user or a script lives it, against a real node."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from im.cli.marks import Mark
from im.test.system.imctl import Ended, ImctlCase, Live, Terminal, environment, run, start_node
from im.test.system.processes import BIN, PATIENCE_SECONDS, Process, wait_for

GIVEN_BACK = "\x1b[?1049l"
"""What a full screen ends with."""

HELLO = "hello, 世界 ✓"


class MessageTests(ImctlCase):
    def test_what_is_sent_is_tailed_once(self) -> None:
        sent = self.send("a1", "b1", HELLO)
        self.assertEqual((sent["conversation"], sent["seq"]), ("d~a1~b1", 1))
        self.assertEqual(len(bytes.fromhex(sent["client_msg_id"])), 16)
        got = self.ok("tail", "--as", "b1", "--count", "1", "--timeout", "20", "--json").record
        expected = {
            "conversation": "d~a1~b1",
            "seq": 1,
            "sender": "a1",
            "text": HELLO,
            "kind": 1,
            "server_time_ms": sent["server_time_ms"],
        }
        self.assertEqual(got, expected)
        again = self.imctl("tail", "--as", "b1", "--count", "1", "--timeout", "2", "--json")
        self.assert_fails(again, 3, "timeout")

    def test_tail_goes_on_where_the_one_before_stopped(self) -> None:
        for text in ("1", "2", "3"):
            self.send("a2", "b2", text)
        self.assertEqual(self.tail("b2", "--count", "1"), ["1"])
        self.assertEqual(self.tail("b2", "--count", "2"), ["2", "3"])
        self.assertEqual(self.tail("b2", "--timeout", "1"), [])

    def test_send_takes_nothing_away_from_tail(self) -> None:
        self.send("a3", "b3", "for tail")
        self.send("b3", "a3", "by the way")
        self.assertEqual(self.tail("b3", "--count", "1"), ["for tail"])

    def test_tail_shows_what_comes_while_others_of_the_user_run(self) -> None:
        tail = Live(self, "tail", "--as", "b4", "--json")
        self.send("a4", "b4", "one")
        tail.wait_for('"one"')
        self.send("b4", "a4", "own, beside the tail")
        self.send("a4", "b4", "two")
        tail.wait_for('"two"')
        tail.process.send_signal(signal.SIGINT)
        self.assertEqual(tail.process.wait(PATIENCE_SECONDS), 130)
        self.assertEqual([json.loads(each)["text"] for each in tail.out.splitlines()], ["one", "two"])
        self.assertEqual(self.tail("b4", "--timeout", "1"), [])

    def test_unread_counts_until_a_chat_shows_it(self) -> None:
        for text in ("1", "2"):
            self.send("a5", "b5", text)
        self.assertEqual(self.ok("unread", "--as", "b5", "--json").record["unread"], 2)
        self.assertIn("2  d~a5~b5", self.ok("unread", "--as", "b5").out)
        chat = Live(self, "chat", "--as", "b5", "--to", "a5")
        chat.wait_for("a5: 1", "a5: 2")
        self.assertEqual(chat.leave(), 0)
        self.assertEqual(self.ok("unread", "--as", "b5", "--json").record["conversations"], [])

    def test_history_marks_own_messages(self) -> None:
        def states() -> list[str]:
            records = self.ok("history", "--as", "a6", "--with", "b6", "--json").records
            return [each.get("state", "") for each in records]

        self.send("a6", "b6", "1")
        self.assertEqual(states(), ["sent"])
        self.tail("b6", "--count", "1")
        wait_for(lambda: states() == ["delivered"], "the delivered mark")
        chat = Live(self, "chat", "--as", "b6", "--to", "a6")
        chat.wait_for("a6: 1")
        chat.say("answer")
        self.assertEqual(chat.leave(), 0)
        wait_for(lambda: states() == ["read", ""], "the read mark")

    def test_history_can_be_paged(self) -> None:
        for text in ("1", "2", "3"):
            self.send("a7", "b7", text)
        for options, expected in (
            (["--limit", "2"], ["2", "3"]),
            (["--limit", "2", "--before", "3"], ["1", "2"]),
            (["--before", "1"], []),
        ):
            found = self.ok("history", "--as", "b7", "--conversation", "d~a7~b7", "--json", *options)
            self.assertEqual([each["text"] for each in found.records], expected, options)

    def test_a_refusal_is_status_1_with_its_code(self) -> None:
        empty = self.imctl("send", "--as", "a8", "--to", "b8", "", "--json")
        self.assert_fails(empty, 1, "invalid_argument")
        nothing = self.imctl("history", "--as", "a8", "--with", "nobody", "--json")
        self.assert_fails(nothing, 1, "not_found")

    def test_a_foreign_token_is_refused_without_waiting_for_the_time_out(self) -> None:
        token = self.ok("token", "--user", "somebody-else").out.strip()
        wrong = self.imctl("unread", "--as", "a9", "--token", token, "--json")
        self.assertIn("somebody-else", self.assert_fails(wrong, 1, "unauthenticated"))
        garbage = self.imctl("unread", "--as", "a9", "--token", "garbage", "--json")
        self.assert_fails(garbage, 1, "unauthenticated")

    def test_an_address_and_a_token_are_enough(self) -> None:
        token = self.ok("token", "--user", "a10").out.strip()
        for address in (self.told.listen[0], self.told.websocket):
            sent = run(
                self.folder,
                *("send", "--as", "a10", "--to", "b10", "hi", "--json", "--connect", address),
                IM_TOKEN=token,
                XDG_STATE_HOME=str(self.folder / "home"),
            )
            self.assertEqual((sent.status, sent.err), (0, ""))
        self.assertEqual(sent.record["seq"], 2)

    def test_a_reader_that_goes_ends_tail_quietly(self) -> None:
        self.send("a11", "b11", "1")
        tail = subprocess.Popen(
            [BIN / "imctl", "tail", "--as", "b11"],
            cwd=self.folder,
            env=environment(IM_STATE_DIR=str(self.state)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert tail.stdout is not None and tail.stderr is not None
        tail.stdout.close()
        try:
            self.assertEqual(tail.wait(PATIENCE_SECONDS), 1)
            self.assertEqual(tail.stderr.read(), b"")
        finally:
            tail.kill()
            tail.stderr.close()
        self.assertEqual(self.tail("b11", "--count", "1"), ["1"])


class ChatTests(ImctlCase):
    def test_two_pipes_talk_with_each_other(self) -> None:
        alice = Live(self, "chat", "--as", "alice", "--to", "bob")
        bob = Live(self, "chat", "--as", "bob", "--to", "alice", "--json")
        alice.say("from alice")
        bob.wait_for("from alice")
        bob.say("from bob")
        alice.wait_for("alice: from alice  ✓✓ read", "bob: from bob")
        bob.wait_for('"state": "read"')
        self.assertEqual((alice.leave(), bob.leave()), (0, 0))
        self.assertTrue(all(json.loads(line)["event"] for line in bob.out.splitlines()))

    def test_what_is_piped_in_is_stored_when_the_command_ends(self) -> None:
        chat = Live(self, "chat", "--as", "carol", "--to", "dave")
        for number in range(300):
            chat.say(f"line {number}")
        self.assertEqual(chat.leave(), 0)
        found = self.ok("history", "--as", "dave", "--with", "carol", "--limit", "300", "--json").records
        self.assertEqual([each["text"] for each in found], [f"line {number}" for number in range(300)])

    def test_a_refused_line_says_why(self) -> None:
        chat = Live(self, "chat", "--as", "erin", "--to", "fay")
        chat.say("x" * 40_000)
        chat.wait_for("x  ✗ ")
        self.assertEqual(chat.leave(), 0)

    def test_a_terminal_shows_the_conversation(self) -> None:
        self.send("gina", "frank", "are you there?")
        terminal = Terminal(self, "chat", "--as", "frank", "--to", "gina")
        terminal.wait_for("gina: are you there?")
        terminal.type("here I am\r")
        terminal.wait_for("frank: here I am  ✓")
        terminal.type("\x04")
        self.assertEqual(terminal.wait(), 0)
        self.assertEqual(self.tail("gina", "--count", "1"), ["here I am"])

    def test_a_terminal_is_given_back_before_the_reason_is_told(self) -> None:
        token = self.ok("token", "--user", "somebody-else").out.strip()
        refused = Terminal(self, "chat", "--as", "frank", "--to", "gina", "--token", token)
        self.assertEqual(refused.wait(), 1)
        self.assertIn("somebody-else", refused.seen.rpartition(GIVEN_BACK)[2])
        ended = Terminal(self, "chat", "--as", "frank", "--to", "gina")
        ended.wait_for("online")
        os.kill(ended.pid, signal.SIGTERM)
        self.assertEqual(ended.wait(), 130)
        self.assertEqual(ended.seen.count(GIVEN_BACK), 1)


class ImportTests(SynchronousTestCase):
    def test_commands_that_talk_load_no_database_and_no_screen(self) -> None:
        modules = "send, tail, history, unread, contacts, friends, groups, chat, token, sessions"
        heavy = "sqlalchemy", "alembic", "prometheus_client", "prompt_toolkit", "twisted.internet.reactor"
        program = (
            f"import sys; from im.cli.commands import {modules}; print(*(set({heavy}) & set(sys.modules)))"
        )
        process = Process([sys.executable, "-c", program], Path.cwd())
        self.addCleanup(process.end)
        self.assertEqual((process.wait(), process.out, process.err), (0, "\n", ""))


class OperatorTests(ImctlCase):
    def test_sessions_lists_who_is_connected(self) -> None:
        tail = Live(self, "tail", "--as", "sam")
        wait_for(lambda: bool(self.ok("sessions", "--user", "sam", "--json").records), "the session")
        (session,) = self.ok("sessions", "--json").records
        self.assertEqual((session["user"], session["node"]), ("sam", "node-1"))
        self.assertIn("sam", self.ok("sessions").out)
        self.assertEqual(self.ok("sessions", "--user", "tom", "--json").records, [])
        tail.end()

    def test_doctor_finds_a_running_node_well(self) -> None:
        found = self.ok("doctor", "--json").records
        self.assertEqual([each["check"] for each in found if not each["ok"]], [])
        self.assertTrue(self.ok("doctor").out.startswith("ok "))

    def test_a_token_is_for_one_user(self) -> None:
        made = self.ok("token", "--user", "tina", "--days", "2", "--json").record
        self.assertEqual((made["user"], made["token"].count(".")), ("tina", 2))
        self.assert_fails(self.imctl("token", "--user", "a~b", "--json"), 1, "invalid_argument")

    def test_a_node_that_runs_is_not_restored(self) -> None:
        copy = self.folder / "copy.sqlite"
        self.assertEqual(self.ok("backup", str(copy), "--json").record["bytes"], copy.stat().st_size)
        self.assertIn("stop it", self.assert_fails(self.imctl("restore", str(copy), "--json"), 1, "failed"))


class AwayTests(SynchronousTestCase):
    """With nodes that stop, die and come back."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.state = self.folder / "state"

    def imctl(self, *argv: str) -> Ended:
        return run(self.folder, *argv, "--json", IM_STATE_DIR=str(self.state))

    def node(self) -> Process:
        return start_node(self, self.folder, self.state)[0]

    def wait_until_delivered(self) -> None:
        """Nodes note deliveries in the database once a second."""

        def is_delivered() -> bool:
            *_, last = self.imctl("history", "--as", "a", "--with", "b").records
            return last.get("state") == Mark.DELIVERED

        wait_for(is_delivered, "the delivered mark")

    def test_what_was_sent_after_a_backup_is_gone_after_its_restore(self) -> None:
        node = self.node()
        self.imctl("send", "--as", "a", "--to", "b", "kept")
        self.assertEqual(self.imctl("tail", "--as", "b", "--count", "1").record["text"], "kept")
        self.wait_until_delivered()
        self.assertEqual(self.imctl("backup", "copy").status, 0)
        self.imctl("send", "--as", "a", "--to", "b", "lost")
        self.imctl("tail", "--as", "b", "--count", "1")
        node.send(signal.SIGTERM)
        node.wait()
        restored = self.imctl("restore", "copy")
        self.assertEqual((restored.status, restored.err), (0, ""))
        self.node()
        self.assertEqual(self.imctl("send", "--as", "a", "--to", "b", "new").record["seq"], 2)
        self.assertEqual(self.imctl("tail", "--as", "b", "--count", "1").record["text"], "new")
        texts = [each["text"] for each in self.imctl("history", "--as", "b", "--with", "a").records]
        self.assertEqual(texts, ["kept", "new"])

    def test_without_a_node_every_command_says_so(self) -> None:
        node = self.node()
        node.send(signal.SIGKILL)
        node.wait()
        for argv in (
            ["send", "--as", "a", "--to", "b", "hi"],
            ["tail", "--as", "b", "--count", "1"],
            ["unread", "--as", "b"],
            ["history", "--as", "b", "--with", "a"],
            ["chat", "--as", "b", "--to", "a"],
            ["sessions"],
        ):
            ended = self.imctl(*argv)
            self.assertEqual((ended.status, ended.out), (3, ""), argv)
            self.assertIn("scripts/run", json.loads(ended.err)["text"])
        doctor = self.imctl("doctor")
        self.assertEqual(doctor.status, 1)
        self.assertIn("node", [each["check"] for each in doctor.records if not each["ok"]])

    def test_a_dead_address_is_unreachable_and_nothing_is_sent(self) -> None:
        self.node()
        argv = ["send", "--as", "a", "--to", "b", "hi", "--connect", "tcp:127.0.0.1:9", "--timeout", "1"]
        ended = self.imctl(*argv)
        self.assertEqual((ended.status, ended.out), (3, ""))
        self.assertIn("nothing was sent", json.loads(ended.err)["text"])

    def test_a_frozen_node_leaves_a_send_unknown_which_arrives_once_later(self) -> None:
        node = self.node()
        self.imctl("send", "--as", "a", "--to", "b", "1")
        tail = Process(
            [BIN / "imctl", "tail", "--as", "b", "--json"], self.folder, IM_STATE_DIR=str(self.state)
        )
        self.addCleanup(tail.end)
        wait_for(lambda: '"1"' in tail.out, "the first message")
        chat = subprocess.Popen(
            [BIN / "imctl", "chat", "--as", "a", "--to", "b", "--json"],
            cwd=self.folder,
            env=environment(IM_STATE_DIR=str(self.state)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.addCleanup(chat.wait)
        self.addCleanup(chat.kill)
        assert chat.stdin is not None and chat.stdout is not None and chat.stderr is not None
        self.addCleanup(chat.stdout.close)
        self.addCleanup(chat.stderr.close)
        while json.loads(chat.stdout.readline()).get("state") != "online":
            pass
        node.send(signal.SIGSTOP)
        self.addCleanup(node.send, signal.SIGCONT)
        chat.stdin.write(b"2\n")
        chat.stdin.close()
        self.assertEqual(chat.wait(PATIENCE_SECONDS), 3)
        self.assertEqual(json.loads(chat.stderr.read())["error"], "unknown")
        node.send(signal.SIGCONT)
        self.imctl("send", "--as", "a", "--to", "b", "3")
        wait_for(lambda: '"3"' in tail.out, "the last message")
        self.assertEqual([json.loads(line)["text"] for line in tail.out.splitlines()], ["1", "2", "3"])
