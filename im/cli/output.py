"""What goes to stdout and stderr: text for people, or JSON and nothing else."""

import json
from collections.abc import Mapping, Sequence
from typing import TextIO

from im.cli.failures import Failure

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]


class Output:
    """Writes records to `out`, all else to `err`. With `is_json`, every line of both is one JSON object."""

    def __init__(self, out: TextIO, err: TextIO, is_json: bool) -> None:
        self.out = out
        self.is_json = is_json
        self._err = err
        self._is_ascii = (out.encoding or "utf-8").lower() != "utf-8"

    def record(self, record: Mapping[str, Json], text: str) -> None:
        """One result, at once: `record` as a line of JSON, else `text`."""
        line = self._json(record) if self.is_json else text
        self.out.write(line + "\n")
        self.out.flush()

    def note(self, text: str) -> None:
        """Tell people how it goes; programs are spared it."""
        if not self.is_json:
            self._err.write(f"imctl: {text}\n")
            self._err.flush()

    def failure(self, failure: Failure) -> None:
        """Tell why the command ends."""
        error: dict[str, Json] = {"error": failure.code, "text": failure.text, "status": int(failure.status)}
        line = self._json(error) if self.is_json else f"imctl: {failure.text}"
        self._err.write(line + "\n")
        self._err.flush()

    def _json(self, record: Mapping[str, Json]) -> str:
        return json.dumps(record, ensure_ascii=self._is_ascii)


def shown(text: str) -> str:
    """A text of somebody else's, harmless to a terminal: control characters as `\\x1b`, newlines kept off."""
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
