"""The command line of dead letters, and what people and programs read of one."""

import os
from argparse import Namespace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from im.adapters.amqp.codec import Submission, pack_submission
from im.adapters.amqp.dead_letters import DeadLetter
from im.cli.arguments import make_parser
from im.cli.broker import broker_url, cluster_name
from im.cli.commands import dead_letters
from im.cli.failures import Failure, Status
from im.cli.letters import line, lines, whole
from im.cli.output import Output
from im.core.commands import GetProfile, Request


def letter(body: bytes = b'{"to": ["bob"]}', **changes: Any) -> DeadLetter:
    fields: dict[str, Any] = {"queue": "im.push", "reason": "no event", "message_id": "k1", "time_ms": 0}
    return DeadLetter(
        **{"id": "0f", **fields, "headers": {}, "body": body, "tag": 1, "properties": None} | changes
    )


class LetterTests(SynchronousTestCase):
    def test_json_is_shown_as_json(self) -> None:
        self.assertEqual(whole(letter())["body"], {"to": ["bob"]})

    def test_anything_else_is_shown_in_hex(self) -> None:
        shown = whole(letter(b"\xff\x00"))
        self.assertEqual((shown["raw"], "body" in shown, "requests" in shown), ("ff00", False, False))

    def test_requests_of_nodes_are_named(self) -> None:
        body = pack_submission(Submission("n1", [Request("n1", 1, "s1", GetProfile("bob"))]))
        self.assertEqual(whole(letter(body))["requests"], ["GetProfile(user='bob')"])

    def test_headers_of_every_type_are_shown(self) -> None:
        at = datetime(2026, 1, 2, tzinfo=UTC)
        headers = {"n": 1, "list": [at, b"b", None], "table": {"x": True}}
        shown = whole(letter(headers=headers))["headers"]
        self.assertEqual(shown, {"n": 1, "list": [at.isoformat(), "b'b'", None], "table": {"x": True}})

    def test_a_line_says_where_it_came_from_and_why(self) -> None:
        self.assertEqual(line(letter()), "0f  -  im.push  15 bytes  no event")
        self.assertRegex(
            line(letter(time_ms=1, queue="", reason="")), r"0f  19[-0-9]+ [:0-9]+  -  15 bytes  -"
        )

    def test_nothing_of_a_letter_reaches_the_terminal_raw(self) -> None:
        evil = letter(b'"\\u001b[2J"', reason="\x1b[2J", headers={"x": "\x1b[2J"})
        self.assertNotIn("\x1b", "\n".join(lines(evil)))


class BrokerTests(SynchronousTestCase):
    def test_the_url_may_stand_where_no_other_user_sees_it(self) -> None:
        file = Path(self.mktemp())
        file.write_text("amqp://file/\n")
        self.assertEqual(broker_url("amqp://option/"), "amqp://option/")
        self.assertEqual(broker_url(f"file:{file}"), "amqp://file/")
        self.patch(os, "environ", {"IM_AMQP_URL": "amqp://variable/", "IM_CLUSTER": "two"})
        self.assertEqual(broker_url(None), "amqp://variable/")
        self.assertEqual(cluster_name(Namespace(cluster=None)), "two")
        self.assertEqual(cluster_name(Namespace(cluster="three")), "three")

    def test_without_one_it_is_said_what_a_single_node_has_instead(self) -> None:
        self.patch(os, "environ", {})
        with self.assertRaises(Failure) as caught:
            broker_url(None)
        self.assertIn("a single node has no such queue", caught.exception.text)


class CommandTests(SynchronousTestCase):
    def test_a_command_line_that_names_the_wrong_letters_is_refused(self) -> None:
        for argv in (
            ("list", "0f"),
            ("list", "--all"),
            ("show",),
            ("show", "0f", "1f"),
            ("show", "--all"),
            ("retry",),
            ("drop", "0f", "--all"),
        ):
            arguments = make_parser().parse_args(["dead-letters", *argv, "--amqp", "amqp://127.0.0.1:1/"])
            with self.assertRaises(Failure, msg=str(argv)) as caught:
                dead_letters.run(arguments, Output(StringIO(), StringIO(), False))
            self.assertIs(caught.exception.status, Status.USAGE)
