"""The front of imctl: what a command line and an error come to."""

import io
import json
from argparse import Namespace
from unittest.mock import patch

from twisted.internet.error import ConnectionRefusedError as TwistedConnectionRefusedError
from twisted.trial.unittest import SynchronousTestCase

from im import __version__
from im.cli.arguments import COMMANDS, make_parser
from im.cli.commands import version
from im.cli.failures import Failure, Status, failed, timed_out
from im.cli.main import run
from im.cli.output import Output
from im.core.errors import Code, Refused, RefusedError
from im.ports import UnavailableError


class CommandLineTest(SynchronousTestCase):
    def imctl(self, *argv: str) -> tuple[Status, str, str]:
        out, err = io.StringIO(), io.StringIO()
        return run(argv, out, err), out.getvalue(), err.getvalue()

    def assert_usage(self, argv: str, mention: str) -> None:
        status, out, err = self.imctl(*argv.split())
        self.assertEqual((status, out), (Status.USAGE, ""))
        self.assertIn(mention, err)
        self.assertEqual(err.count("\n"), 1)

    def test_version_prints_the_version(self) -> None:
        for argv in (("version",), ("--version",)):
            self.assertEqual(self.imctl(*argv), (Status.OK, f"im-gateway {__version__}\n", ""))
        status, out, _ = self.imctl("version", "--json")
        self.assertEqual((status, json.loads(out)), (Status.OK, {"version": __version__}))

    def test_a_wrong_command_line_is_one_sentence_and_status_2(self) -> None:
        self.assert_usage("", "name a command")
        self.assert_usage("shout", "shout")
        self.assert_usage("send --as alice hello", "--to")
        self.assert_usage("send --as alice --to bob", "TEXT")
        self.assert_usage("tail --as bob --count 0", "--count")
        self.assert_usage("tail --as bob --count many", "whole number")
        self.assert_usage(f"tail --as bob --count {2**32}", "--count")
        self.assert_usage(f"react --as bob --with alice {2**63} x", "SEQ")
        self.assert_usage("groups silence g~1 bob -1 --as alice", "SECONDS")
        self.assert_usage("tail --as bob --timeout -1", "--timeout")
        self.assert_usage("tail --as bob --timeout nan", "--timeout")
        self.assert_usage("history --as bob", "--with")
        self.assert_usage("history --as bob --with alice --conversation d~alice~bob", "not allowed")
        self.assert_usage("version --js", "--js")

    def test_a_node_to_end_must_be_named(self) -> None:
        self.assert_usage("drain", "NODE")
        out, err = io.StringIO(), io.StringIO()
        self.assertEqual(run(["drain", "", "--state-dir", "/nowhere"], out, err), Status.USAGE)
        self.assertIn("name the node", err.getvalue())

    def test_commands_that_ask_no_node_take_none(self) -> None:
        for argv in ("doctor", "token --user alice", "backup file", "restore file", "signing-keys list"):
            self.assert_usage(f"{argv} --node node-2", "--node")

    def test_a_wrong_command_line_is_json_for_programs(self) -> None:
        status, out, err = self.imctl("send", "--json")
        self.assertEqual((status, out), (Status.USAGE, ""))
        self.assertEqual(json.loads(err)["error"], "usage")

    def test_every_command_takes_json(self) -> None:
        help_of_commands = [
            make_parser().parse_args(argv) for argv in (["version"], ["doctor"], ["version", "--json"])
        ]
        self.assertEqual([each.json for each in help_of_commands], [False, False, True])

    def test_users_who_cannot_talk_with_each_other_are_named(self) -> None:
        for argv, word in (
            ("send --as alice --to alice hi", "themselves"),
            ("send --as alice --to a~b hi", "a~b"),
            ("history --as alice --with a~b", "a~b"),
            ("chat --as a~b --to alice", "a~b"),
            ("edit --as alice --conversation \udcff 1 hi", "udcff"),
        ):
            status, out, err = self.imctl(*argv.split(), "--state-dir", "/nowhere", "--json")
            self.assertEqual((status, out, json.loads(err)["error"]), (1, "", "invalid_argument"), argv)
            self.assertIn(word, err)

    def test_every_command_has_its_module(self) -> None:
        for name in COMMANDS:
            module = __import__(f"im.cli.commands.{name.replace('-', '_')}", fromlist=["run"])
            self.assertTrue(callable(module.run), name)


class ErrorTest(SynchronousTestCase):
    def status_of(self, error: BaseException) -> tuple[int, str]:
        def end(arguments: Namespace, output: Output) -> None:
            raise error

        out, err = io.StringIO(), io.StringIO()
        with patch.object(version, "run", end):
            status = run(["version"], out, err)
        self.assertEqual(out.getvalue(), "")
        return status, err.getvalue()

    def test_a_failure_has_its_own_status(self) -> None:
        self.assertEqual(self.status_of(failed("no")), (Status.FAILED, "imctl: no\n"))
        self.assertEqual(self.status_of(timed_out("late")), (Status.UNREACHABLE, "imctl: late\n"))

    def test_a_refusal_is_status_1_with_the_servers_words(self) -> None:
        refused = RefusedError(Refused(Code.NOT_FOUND, "there is no user bob"))
        self.assertEqual(self.status_of(refused), (Status.FAILED, "imctl: refused: there is no user bob\n"))

    def test_who_cannot_serve_now_counts_as_unreachable(self) -> None:
        for error in (
            RefusedError(Refused(Code.UNAVAILABLE, "try again")),
            UnavailableError("no answer"),
            TwistedConnectionRefusedError(),
        ):
            self.assertEqual(self.status_of(error)[0], Status.UNREACHABLE, error)

    def test_a_file_that_cannot_be_used_is_named(self) -> None:
        status, text = self.status_of(FileNotFoundError(2, "No such file or directory", "/there"))
        self.assertEqual((status, text), (Status.FAILED, "imctl: /there: No such file or directory\n"))

    def test_bytes_that_are_no_text_are_a_wrong_command_line(self) -> None:
        error = UnicodeEncodeError("utf-8", "\udced", 0, 1, "surrogates not allowed")
        status, text = self.status_of(error)
        self.assertEqual((status, text), (Status.USAGE, "imctl: what is to be sent must be valid UTF-8\n"))

    def test_a_package_that_is_not_installed_is_named_with_the_way_to_get_it(self) -> None:
        status, text = self.status_of(ModuleNotFoundError("No module", name="sqlalchemy.engine"))
        self.assertEqual(status, Status.FAILED)
        self.assertEqual(text, "imctl: sqlalchemy is not installed; run: pip install 'im-gateway[server]'\n")
        own = ModuleNotFoundError("No module", name="im.cli.nothing")
        self.assertRaises(ModuleNotFoundError, self.status_of, own)

    def test_ctrl_c_is_quiet(self) -> None:
        self.assertEqual(self.status_of(KeyboardInterrupt()), (Status.INTERRUPTED, ""))

    def test_a_bug_is_not_hidden(self) -> None:
        self.assertRaises(ZeroDivisionError, self.status_of, ZeroDivisionError())

    def test_a_failure_reads_as_its_text(self) -> None:
        self.assertEqual(str(Failure(Status.FAILED, "code", "text")), "text")
