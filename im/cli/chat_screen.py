"""A chat on a terminal: the conversation above, how the connection stands, and a line to write on."""

import asyncio
from collections.abc import Sequence

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.data_structures import Point
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import HSplit, Layout, Window
from prompt_toolkit.layout.controls import FormattedTextControl
from prompt_toolkit.styles import Style
from prompt_toolkit.widgets import TextArea
from twisted.internet.defer import Deferred

from im.cli.chat_lines import Say, text_of
from im.cli.marks import Mark
from im.cli.peer import in_words
from im.cli.talk import Pair
from im.cli.transcript import Line, Transcript
from im.core.presence import Presence

PAGE_LINES = 10
_STYLE = Style.from_dict(
    {
        "bar": "reverse",
        "own": "",
        "other": "bold",
        "failed": "ansired",
        "listed": "ansicyan",
        "waiting": "ansiyellow",
        "read": "ansigreen",
    }
)
_MARK_STYLES = {
    Mark.WAITING: "class:waiting",
    Mark.UNKNOWN: "class:waiting",
    Mark.FAILED: "class:failed",
    Mark.READ: "class:read",
}
HINT = "Enter sends, /help says what else, PageUp and PageDown scroll, Ctrl-D leaves"


class Screen:
    """Shows a transcript until the user leaves."""

    patience = 0.1

    def __init__(self, title: str, transcript: Transcript) -> None:
        self._title = title
        self._transcript = transcript
        self._say: Say | None = None
        self._running: asyncio.Future[None] | None = None
        self._status = "connecting…"
        self._note = HINT
        self._listed: Sequence[str] = ()
        self._peer = ""
        self._scrolled = 0
        self.application: Application[None] = self._make()

    def listen(self, say: Say) -> "Deferred[None]":
        """Take over the terminal and call `say` with each line entered; fires when the user leaves.

        Needs a running asyncio loop.
        """
        self._say = say
        left: Deferred[None] = Deferred()

        def end(running: "asyncio.Future[None]") -> None:
            error = None if running.cancelled() else running.exception()
            if not left.called:
                left.callback(None) if error is None else left.errback(error)

        self._running = asyncio.ensure_future(self.application.run_async(handle_sigint=False))
        self._running.add_done_callback(end)
        return left

    def close(self) -> "Deferred[None]":
        """Give the terminal back; fires when that is done."""
        closed: Deferred[None] = Deferred()
        if self._running is None:
            closed.callback(None)
        else:
            self._running.cancel()
            self._running.add_done_callback(lambda _: closed.callback(None))
        return closed

    def changed(self, line: Line) -> None:
        """A line is new, or its mark changed."""
        self.application.invalidate()

    def status(self, text: str) -> None:
        """How the connection stands."""
        self._status = text
        self.application.invalidate()

    def peer(self, presence: Presence) -> None:
        """Whether the other side is online."""
        self._peer = f" ({in_words(presence)})"
        self.application.invalidate()

    def opened(self, pair: Pair, transcript: Transcript) -> None:
        """Another conversation is shown from now on."""
        self._title = pair.title
        self._transcript = transcript
        self._peer = ""
        self._scrolled = 0
        self.application.invalidate()

    def listed(self, lines: Sequence[str]) -> None:
        """What was asked for, below the conversation until the next line is entered."""
        self._listed = lines
        self._scrolled = 0
        self.application.invalidate()

    def note(self, text: str) -> None:
        """Something beside the conversation."""
        self._note = text
        self.application.invalidate()

    def lines(self) -> StyleAndTextTuples:
        """The conversation as it is drawn."""
        drawn: StyleAndTextTuples = []
        for line in self._transcript:
            own = "class:own" if line.is_own else "class:other"
            style = _MARK_STYLES.get(line.mark, own) if line.mark is not None else own
            drawn += [(style, text_of(line)), ("", "\n")]
        for text in self._listed:
            drawn += [("class:listed", text), ("", "\n")]
        return drawn[:-1]

    def bar(self) -> StyleAndTextTuples:
        """The line between the conversation and the input."""
        return [("", f" {self._title}{self._peer} — {self._status}   {self._note} ")]

    def scroll(self, lines: int) -> None:
        """Show what is so many lines further up, or down where it is negative."""
        self._scrolled = max(0, min(self._scrolled + lines, self._count() - 1))

    def bottom(self) -> Point:
        """The place that must be seen: the last line, or one above it."""
        return Point(0, max(self._count() - 1 - self._scrolled, 0))

    def _make(self) -> "Application[None]":
        body = Window(FormattedTextControl(self.lines, get_cursor_position=self.bottom), wrap_lines=True)
        bar = Window(FormattedTextControl(self.bar), height=1, style="class:bar")
        entry = TextArea(prompt="> ", multiline=False, height=1, accept_handler=self._accept)
        return Application(
            layout=Layout(HSplit([body, bar, entry]), focused_element=entry),
            key_bindings=self._keys(),
            style=_STYLE,
            full_screen=True,
        )

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        @keys.add("c-c")
        @keys.add("c-d")
        def leave(event: KeyPressEvent) -> None:
            event.app.exit()

        @keys.add("pageup")
        def up(event: KeyPressEvent) -> None:
            self.scroll(PAGE_LINES)

        @keys.add("pagedown")
        def down(event: KeyPressEvent) -> None:
            self.scroll(-PAGE_LINES)

        return keys

    def _accept(self, buffer: Buffer) -> bool:
        self._scrolled = 0
        self._listed = ()
        text = buffer.text.encode("utf-8", "replace").decode()
        if text.strip() and self._say is not None:
            self._say(text)
        return False

    def _count(self) -> int:
        return sum(1 for _ in self._transcript) + len(self._listed)
