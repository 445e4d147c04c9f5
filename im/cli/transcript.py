"""A conversation on a terminal: its lines in order, and the marks of one's own."""

from collections.abc import Iterator

from im.cli.marks import Mark, mark_of
from im.cli.records import Shown
from im.cli.words import in_words
from im.core.entries import RECALLED, TEXT

MAX_LINES = 2_000
"""The oldest lines go when there are more."""


class Line:
    """One line. `seq` is 0 until the message is stored; `reason` tells why it failed."""

    __slots__ = ("client_msg_id", "is_own", "kind", "mark", "reason", "sender", "seq", "text", "time_ms")

    def __init__(self, sender: str, text: str, client_msg_id: bytes, is_own: bool) -> None:
        self.sender = sender
        self.text = text
        self.client_msg_id = client_msg_id
        self.is_own = is_own
        self.kind = TEXT
        self.seq = 0
        self.time_ms = 0
        self.mark = Mark.WAITING if is_own else None
        self.reason = ""


class Transcript:
    """The stored entries by seq, each once, then the own messages that are not stored yet.

    Every method that changes a line returns it, else None.
    """

    def __init__(self, user: str) -> None:
        self._user = user
        self._stored: dict[int, Line] = {}
        self._unstored: dict[bytes, Line] = {}
        self._read = 0
        self._delivered = 0

    def __iter__(self) -> Iterator[Line]:
        yield from self._stored.values()
        yield from self._unstored.values()

    @property
    def last_seq(self) -> int:
        """The seq of the last stored entry, 0 if none."""
        return next(reversed(self._stored), 0)

    @property
    def waiting(self) -> int:
        """How many own messages have no answer yet."""
        return sum(line.mark is not Mark.FAILED for line in self._unstored.values())

    def entry(self, entry: Shown, client_msg_id: bytes) -> Line | None:
        """An entry of the log. None if it is there already."""
        if entry.seq in self._stored:
            return None
        line = self._unstored.pop(client_msg_id, None)
        if line is None:
            line = Line(entry.sender, entry.said, client_msg_id, entry.sender == self._user)
            line.kind = entry.kind
        self._store(line, entry.seq, entry.server_time_ms)
        return line

    def recalled(self, seq: int) -> Line | None:
        """A stored entry was taken back."""
        return self._said(seq, RECALLED, b"")

    def edited(self, seq: int, content: bytes) -> Line | None:
        """A stored entry holds something else now."""
        line = self._stored.get(seq)
        return None if line is None else self._said(seq, line.kind, content)

    def pending(self, client_msg_id: bytes, said: str) -> Line:
        """An own message that is to be sent."""
        line = self._unstored.get(client_msg_id)
        if line is None:
            line = self._unstored[client_msg_id] = Line(self._user, said, client_msg_id, is_own=True)
        return line

    def sent(self, client_msg_id: bytes, seq: int, time_ms: int) -> Line | None:
        """An own message is stored."""
        line = self._unstored.pop(client_msg_id, None)
        if line is not None:
            self._store(line, seq, time_ms)
        return line

    def unknown(self, client_msg_id: bytes) -> Line | None:
        """No answer came to an own message; it goes on being tried."""
        return self._marked(client_msg_id, Mark.UNKNOWN, "")

    def failed(self, client_msg_id: bytes, reason: str) -> Line | None:
        """An own message was refused for good."""
        return self._marked(client_msg_id, Mark.FAILED, reason)

    def cursors(self, delivered: int, read: int) -> list[Line]:
        """The other side's cursors; returns the own lines whose mark changed."""
        self._delivered = max(self._delivered, delivered)
        self._read = max(self._read, read)
        changed = []
        for line in self._stored.values():
            if line.is_own and line.mark is not (mark := self._mark(line.seq)):
                line.mark = mark
                changed.append(line)
        return changed

    def _said(self, seq: int, kind: int, content: bytes) -> Line | None:
        line = self._stored.get(seq)
        if line is not None:
            line.kind, line.text = kind, in_words(kind, content)
        return line

    def _mark(self, seq: int) -> Mark:
        return mark_of(seq, self._delivered, self._read)

    def _marked(self, client_msg_id: bytes, mark: Mark, reason: str) -> Line | None:
        line = self._unstored.get(client_msg_id)
        if line is not None:
            line.mark, line.reason = mark, reason
        return line

    def _store(self, line: Line, seq: int, time_ms: int) -> None:
        line.seq, line.time_ms = seq, time_ms
        if line.is_own:
            line.mark = self._mark(seq)
        is_late = seq < self.last_seq
        self._stored[seq] = line
        if is_late:
            self._stored = dict(sorted(self._stored.items()))
        while len(self._stored) > MAX_LINES:
            del self._stored[next(iter(self._stored))]
