"""`imctl call`: bodies in and answers out."""

import io

from twisted.trial.unittest import SynchronousTestCase

from im.cli.arguments import make_parser
from im.cli.commands.call import json_body, raw_body, run, shown_answer
from im.cli.failures import Failure, Status
from im.cli.output import Output
from im.client.core.events import AppBody
from im.proto.base_pb2 import Error, Ok

BODIES = {9: Ok, 10_001: Error}


class BodyTests(SynchronousTestCase):
    def refused(self, text: str, number: int = 10_001) -> Failure:
        failure: Failure = self.assertRaises(Failure, json_body, text, number, BODIES)
        self.assertIs(failure.status, Status.USAGE)
        return failure

    def test_json_becomes_the_body_of_its_type(self) -> None:
        self.assertEqual(Error.FromString(json_body('{"text": "é"}', 10_001, BODIES)).text, "é")

    def test_json_that_is_not_of_the_type_is_a_wrong_command_line(self) -> None:
        for text in ("{", '{"nothing": 1}', "[1]", '{"code": "x"}'):
            self.assertIn("Error", self.refused(text).text)

    def test_a_type_that_nobody_owns_here_wants_raw(self) -> None:
        self.assertIn("--raw", self.refused("{}", 10_009).text)

    def test_raw_is_hex_or_base64(self) -> None:
        self.assertEqual((raw_body("082a"), raw_body("CCo="), raw_body("")), (b"\x08\x2a", b"\x08\x2a", b""))
        self.assertRaises(Failure, raw_body, "ü")

    def test_a_type_of_the_system_is_a_wrong_command_line(self) -> None:
        arguments = make_parser().parse_args(["call", "--as", "alice", "20", "{}"])
        failure: Failure = self.assertRaises(
            Failure, run, arguments, Output(io.StringIO(), io.StringIO(), is_json=False)
        )
        self.assertIs(failure.status, Status.USAGE)


class AnswerTests(SynchronousTestCase):
    def test_a_known_type_is_shown_by_its_fields(self) -> None:
        answer = AppBody(10_001, Error(text="x", retry_after_ms=5).SerializeToString(), "")
        shown = {"type": 10_001, "name": "Error", "body": {"text": "x", "retry_after_ms": 5}}
        self.assertEqual(shown_answer(answer, BODIES), shown)

    def test_any_other_is_shown_as_it_is(self) -> None:
        self.assertEqual(shown_answer(AppBody(10_009, b"\xff", ""), BODIES), {"type": 10_009, "raw": "ff"})
        self.assertEqual(shown_answer(AppBody(10_001, b"\xff", ""), BODIES), {"type": 10_001, "raw": "ff"})
