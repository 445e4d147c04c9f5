"""A chat as plain lines, where there is no terminal: what changes is written, once."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.threads import blockingCallFromThread

from im.cli.marks import SIGNS
from im.cli.output import Json, Output, shown
from im.cli.peer import in_words
from im.cli.talk import Pair
from im.cli.transcript import Line, Transcript
from im.core.presence import Presence

READ_BYTES = 4_096
LONGEST_LINE = 262_144
"""Bytes; what is longer is cut, and refused by the node anyway."""

Say = Callable[[str], "Deferred[None]"]


class StandardInput:
    """The lines of a file descriptor, read on a thread: a file, a pipe or a terminal."""

    def __init__(self, reactor: Any, descriptor: int = 0) -> None:
        self._reactor = reactor
        self._descriptor = descriptor
        self._part = b""
        self._ended: Deferred[None] = Deferred()

    def listen(self, say: Say) -> "Deferred[None]":
        """Call `say` with each line that is not blank, the next when it fired. Fires at the end of all."""
        threading.Thread(target=self._read, args=(say,), daemon=True).start()
        return self._ended

    def _read(self, say: Say) -> None:
        # Not sys.stdin: a thread inside its lock would hinder the end of the process.
        while data := os.read(self._descriptor, READ_BYTES):
            for line in self._lines(data):
                self._wait(say, line)
        if self._part.strip():
            self._wait(say, _text(self._part))
        self._reactor.callFromThread(self._end)

    def _wait(self, say: Say, line: str) -> None:
        call: Callable[[str], Any] = say
        blockingCallFromThread(self._reactor, call, line)

    def _lines(self, data: bytes) -> list[str]:
        *lines, self._part = (self._part + data).split(b"\n")
        if len(self._part) > LONGEST_LINE:
            lines.append(self._part)
            self._part = b""
        return [_text(line) for line in lines if line.strip()]

    def _end(self) -> None:
        if not self._ended.called:
            self._ended.callback(None)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r")


class LineView:
    """Writes each new line, each own line again when its mark changes, and how the connection stands.

    `listen` fails when nobody reads what is written.
    """

    patience = 10.0

    def __init__(self, output: Output, conversation: str, spoken: StandardInput) -> None:
        self._output = output
        self._conversation = conversation
        self._spoken = spoken
        self._status = ""
        self._listening: Deferred[None] | None = None

    def listen(self, say: Say) -> "Deferred[None]":
        """Call `say` with each line of the input; fires at its end."""
        self._listening = self._spoken.listen(say)
        return self._listening

    def close(self) -> "Deferred[None]":
        """Nothing to give back."""
        return succeed(None)

    def changed(self, line: Line) -> None:
        """A line is new, or its mark changed."""
        record: dict[str, Json] = {
            "event": "message" if line.seq else "waiting",
            "conversation": self._conversation,
            "seq": line.seq,
            "sender": line.sender,
            "text": line.text,
            "server_time_ms": line.time_ms,
        }
        if line.mark is not None:
            record |= {"state": line.mark.value, "client_msg_id": line.client_msg_id.hex()}
        if line.reason:
            record["reason"] = line.reason
        self._write(record, text_of(line))

    def status(self, text: str) -> None:
        """How the connection stands, when that is news."""
        if text != self._status:
            self._status = text
            self._write({"event": "connection", "state": text.rstrip("…")}, f"-- {text}")

    def peer(self, presence: Presence) -> None:
        """Whether the other side is online, when that changed."""
        record: dict[str, Json] = {
            "event": "presence",
            "user": presence.user,
            "online": presence.is_online,
            "last_seen_ms": presence.last_seen_ms,
            "devices": [each.device_class for each in presence.devices],
        }
        self._write(record, f"-- {shown(presence.user)} {in_words(presence)}")

    def opened(self, pair: Pair, transcript: Transcript) -> None:
        """Another conversation is written from now on, from the lines of it that are there."""
        self._conversation = pair.conversation
        record: dict[str, Json] = {"event": "opened", "conversation": pair.conversation, "user": pair.peer}
        self._write(record, f"-- {shown(pair.title)}")
        for line in transcript:
            self.changed(line)

    def listed(self, lines: Sequence[str]) -> None:
        """What was asked for."""
        for line in lines:
            self.note(line)

    def note(self, text: str) -> None:
        """Something beside the conversation."""
        self._write({"event": "note", "text": text}, f"-- {text}")

    def _write(self, record: dict[str, Json], text: str) -> None:
        try:
            self._output.record(record, text)
        except OSError as error:
            if self._listening is not None and not self._listening.called:
                self._listening.errback(error)


def text_of(line: Line) -> str:
    """A line for people: `12:03 alice: hello  ✓✓`."""
    when = time.strftime("%H:%M", time.localtime(line.time_ms / 1000)) if line.time_ms else "--:--"
    mark = f"  {SIGNS[line.mark]}" if line.mark is not None else ""
    reason = f" {shown(line.reason)}" if line.reason else ""
    return f"{when} {shown(line.sender)}: {shown(line.text)}{mark}{reason}"
