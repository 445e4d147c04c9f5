"""The page about hooks that decide: its example is what it shows, and does what it says."""

import json
import runpy
import tomllib
from typing import Any

from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.business.hooks import Hooks, HookSet
from im.business.questions import Questions
from im.core.commands import Command
from im.core.errors import Code, RefusedError
from im.core.messages import Send
from im.hook import Hook, HookContext, HookOwner, Stranger
from im.isolation import HandlerCounters
from im.test.markdown import ROOT, block

PAGE = ROOT / "docs" / "hooks.md"
EXAMPLE = ROOT / "docs" / "examples" / "word_filter"


class HooksPageTests(SynchronousTestCase):
    def questions(self, hook: Hook, direct_by_hook: bool = False) -> Questions:
        owners = [HookOwner("hooks.one", hook)]
        hooks = Hooks(HookSet(owners, lambda owner: execute, HandlerCounters()), Clock(), lambda: 0)
        return Questions(hooks, direct_by_hook)

    def filtered(self, content: bytes) -> Deferred[Command]:
        """What becomes of a message."""
        word_filter: Hook = runpy.run_path(str(EXAMPLE / "im_word_filter" / "hook.py"))["WordFilter"]()
        word_filter.configure(tomllib.loads(block(PAGE, "toml", 1))["hooks"]["word_filter"])
        questions = self.questions(word_filter)
        send = Send("d~alice~bob", "alice", "phone", b"m" * 16, b"", 0, 1, content)
        question = questions.about(send)
        assert question is not None
        return Deferred.fromCoroutine(questions.answered(question, send))

    def test_the_blocks_are_parts_of_the_example(self) -> None:
        self.assertIn(
            block(PAGE, "python").strip(), (EXAMPLE / "im_word_filter" / "hook.py").read_text("utf-8")
        )
        self.assertIn(block(PAGE, "toml").strip(), (EXAMPLE / "pyproject.toml").read_text("utf-8"))
        self.assertIn(block(PAGE, "toml", 1).strip(), (EXAMPLE / "run.py").read_text("utf-8"))

    def test_words_are_masked_by_as_many_bytes_in_any_kind_of_content(self) -> None:
        for content, wanted in (
            ("hello", "hello"),
            ("Darn, 该死!", "****, ******!"),
            ("\n\x04darn\x12", "\n\x04****\x12"),
        ):
            send: Any = self.successResultOf(self.filtered(content.encode()))
            self.assertEqual(send.content.decode(), wanted, json.dumps(content))

    def test_others_are_refused(self) -> None:
        refusal = self.failureResultOf(self.filtered(b"buy CHEAP PILLS"), RefusedError).value
        self.assertEqual(refusal.refused.code, Code.PERMISSION_DENIED)

    def test_merchants_may_always_be_written_to(self) -> None:
        names: dict[str, Any] = {"Hook": Hook, "HookContext": HookContext, "Stranger": Stranger}
        exec(block(PAGE, "python", 1), names)
        questions = self.questions(names["Counter"](), True)
        for peer, wanted in (("merchant-7", True), ("bob", False)):
            asked = Deferred.fromCoroutine(questions.lets_in("alice", peer, "lane"))
            self.assertEqual(self.successResultOf(asked), wanted)
