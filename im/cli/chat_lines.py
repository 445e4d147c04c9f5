"""A chat as plain lines, where there is no terminal: what changes is written, once."""

import time

from im.cli.marks import SIGNS
from im.cli.output import Json, Output, shown
from im.cli.transcript import Line


class LineView:
    """Writes each new line, each own line again when its mark changes, and how the connection stands."""

    def __init__(self, output: Output, conversation: str) -> None:
        self._output = output
        self._conversation = conversation
        self._status = ""

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
        self._output.record(record, text_of(line))

    def status(self, text: str) -> None:
        """How the connection stands, when that is news."""
        if text != self._status:
            self._status = text
            self._output.record({"event": "connection", "state": text}, f"-- {text}")

    def note(self, text: str) -> None:
        """Something beside the conversation."""
        self._output.record({"event": "note", "text": text}, f"-- {text}")


def text_of(line: Line) -> str:
    """A line for people: `12:03 alice: hello  ✓✓`."""
    when = time.strftime("%H:%M", time.localtime(line.time_ms / 1000)) if line.time_ms else "--:--"
    mark = f"  {SIGNS[line.mark]}" if line.mark is not None else ""
    reason = f" {shown(line.reason)}" if line.reason else ""
    return f"{when} {shown(line.sender)}: {shown(line.text)}{mark}{reason}"
