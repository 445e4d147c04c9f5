"""The screen of a chat, driven by keys and drawn nowhere."""

import asyncio
from collections.abc import Awaitable, Callable

from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput
from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from im.cli.chat_screen import PAGE_LINES, Screen
from im.cli.talk import Pair
from im.cli.transcript import Transcript

LEAVE = "\x04"


class ScreenTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.transcript = Transcript("alice")
        self.said: list[str] = []

    def say(self, text: str) -> "Deferred[None]":
        self.said.append(text)
        return succeed(None)

    def show(self, act: "Callable[[Screen, PipeInput], Awaitable[None]]") -> Screen:
        """Show a screen, act on it, leave by Ctrl-D."""

        async def main() -> Screen:
            with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
                screen = Screen("alice with bob", self.transcript)
                left = screen.listen(self.say).asFuture(asyncio.get_running_loop())
                await asyncio.sleep(0)
                await act(screen, keys)
                keys.send_text(LEAVE)
                await asyncio.wait_for(left, 30)
                return screen

        return asyncio.run(main())

    def text(self, screen: Screen) -> str:
        return "".join(text for _, text, *_ in screen.lines())

    def test_a_line_is_said_at_enter_and_blank_ones_never(self) -> None:
        async def act(screen: Screen, keys: PipeInput) -> None:
            keys.send_text("hello\r  \r\rbye\r")

        self.show(act)
        self.assertEqual(self.said, ["hello", "bye"])

    def test_it_shows_lines_marks_and_how_the_connection_stands(self) -> None:
        async def act(screen: Screen, keys: PipeInput) -> None:
            screen.changed(self.transcript.pending(b"1", "hi \x1b[2J"))
            self.transcript.failed(b"1", "too long")
            screen.status("online")
            screen.note("carol wrote to you")

        screen = self.show(act)
        self.assertEqual(self.text(screen), "--:-- alice: hi \\x1b[2J  ✗ too long")
        self.assertEqual(screen.lines()[0][0], "class:failed")
        ((_, bar, *_),) = screen.bar()
        for word in ("alice with bob", "online", "carol wrote to you"):
            self.assertIn(word, bar)

    def test_what_was_asked_for_stands_below_until_the_next_line(self) -> None:
        self.transcript.pending(b"1", "hi")
        texts: list[str] = []

        async def act(screen: Screen, keys: PipeInput) -> None:
            screen.listed(["     1  bob", "     1  unread"])
            texts.append(self.text(screen))
            keys.send_text("thanks\r")

        screen = self.show(act)
        self.assertEqual(texts, ["--:-- alice: hi  …\n     1  bob\n     1  unread"])
        self.assertEqual(self.text(screen), "--:-- alice: hi  …")

    def test_another_conversation_takes_its_place(self) -> None:
        self.transcript.pending(b"1", "hi bob")
        there = Transcript("alice")
        there.pending(b"2", "hi all")

        async def act(screen: Screen, keys: PipeInput) -> None:
            screen.opened(Pair("alice", "", "g~lunch"), there)

        screen = self.show(act)
        self.assertEqual(self.text(screen), "--:-- alice: hi all  …")
        self.assertIn("alice in g~lunch", screen.bar()[0][1])

    def test_page_keys_scroll_within_the_conversation(self) -> None:
        for number in range(3 * PAGE_LINES):
            self.transcript.pending(str(number).encode(), "line")
        with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
            screen = Screen("alice with bob", self.transcript)
        last = 3 * PAGE_LINES - 1
        self.assertEqual(screen.bottom().y, last)
        screen.scroll(PAGE_LINES)
        self.assertEqual(screen.bottom().y, last - PAGE_LINES)
        screen.scroll(9 * PAGE_LINES)
        self.assertEqual(screen.bottom().y, 0)
        screen.scroll(-9 * PAGE_LINES)
        self.assertEqual(screen.bottom().y, last)
