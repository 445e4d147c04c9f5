"""Output: stdout holds results only, and nothing of others' making drives a terminal."""

import io
import json

from twisted.trial.unittest import SynchronousTestCase

from im.cli.failures import failed
from im.cli.marks import Mark
from im.cli.output import Output, shown
from im.cli.records import Shown, line, moment, record


class OutputTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        self.text = Output(self.out, self.err, is_json=False)
        self.json = Output(self.out, self.err, is_json=True)

    def test_a_record_is_text_for_people(self) -> None:
        self.text.record({"a": 1}, "a is 1")
        self.assertEqual((self.out.getvalue(), self.err.getvalue()), ("a is 1\n", ""))

    def test_a_record_is_one_line_of_json_for_programs(self) -> None:
        self.json.record({"text": "two\nlines ✓"}, "-")
        self.assertEqual(self.out.getvalue(), '{"text": "two\\nlines ✓"}\n')

    def test_json_keeps_to_what_the_stream_can_write(self) -> None:
        raw = io.BytesIO()
        out = io.TextIOWrapper(raw, encoding="latin-1")
        Output(out, self.err, is_json=True).record({"text": "世 😀"}, "-")
        self.assertEqual(json.loads(raw.getvalue()), {"text": "世 😀"})

    def test_notes_go_to_stderr_and_programs_are_spared_them(self) -> None:
        self.json.note("connecting")
        self.assertEqual(self.err.getvalue(), "")
        self.text.note("connecting")
        self.assertEqual((self.out.getvalue(), self.err.getvalue()), ("", "imctl: connecting\n"))

    def test_a_failure_is_one_sentence(self) -> None:
        self.text.failure(failed("it is full"))
        self.assertEqual((self.out.getvalue(), self.err.getvalue()), ("", "imctl: it is full\n"))

    def test_a_failure_is_one_json_object_on_stderr(self) -> None:
        self.json.failure(failed("it is full", "full"))
        self.assertEqual(self.out.getvalue(), "")
        expected = {"error": "full", "text": "it is full", "status": 1}
        self.assertEqual(json.loads(self.err.getvalue()), expected)


class ShownTest(SynchronousTestCase):
    entry = Shown("d~alice~bob", 3, "alice", 1, "hello", 1_700_000_000_000, "hello")

    def test_control_characters_do_not_reach_the_terminal(self) -> None:
        self.assertEqual(shown("a\x1b[2J\nb\u202ec"), "a\\x1b[2J\\nb\\u202ec")
        self.assertEqual(shown("grüße 你好 ✓"), "grüße 你好 ✓")

    def test_an_entry_is_a_record(self) -> None:
        expected = {
            "conversation": "d~alice~bob",
            "seq": 3,
            "sender": "alice",
            "text": "hello",
            "kind": 1,
            "server_time_ms": 1_700_000_000_000,
        }
        self.assertEqual(record(self.entry), expected)
        self.assertEqual(record(self.entry._replace(mark=Mark.READ)), expected | {"state": "read"})

    def test_an_entry_is_a_line(self) -> None:
        when = moment(1_700_000_000_000)
        self.assertEqual(line(self.entry), f"{when} alice: hello")
        self.assertEqual(line(self.entry._replace(mark=Mark.DELIVERED)), f"{when} alice: hello  ✓✓")

    def test_programs_are_told_facts_beside(self) -> None:
        told = record(self.entry._replace(facts={"edited_seq": 4}))
        self.assertEqual(told, record(self.entry) | {"edited_seq": 4})
