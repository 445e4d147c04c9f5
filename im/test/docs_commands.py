"""Finds the commands of our Markdown pages: the lines of their ```sh blocks."""

import re
from pathlib import Path
from typing import NamedTuple

FENCE = "```"
NEEDS = re.compile(r"\(needs ([\w, ]+)\)")


class Command(NamedTuple):
    """A command as a reader would paste it, and where it stands (line numbers start at 1).

    `needs` is what a machine must have for it beside the clone, as the line before the block says:
    `(needs root, systemd)`.
    """

    page: str
    line: int
    text: str
    needs: str = ""


def commands(page: Path) -> list[Command]:
    """Every command of a page in order.

    A line that ends with a backslash goes on in the next; comments and empty lines are none.
    Raises ValueError for a block that does not end.
    """
    found: list[Command] = []
    language: str | None = None
    pending, began, needs, before = "", 0, "", ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith(FENCE):
            language = stripped.removeprefix(FENCE) if language is None else None
            told = NEEDS.search(before)
            needs, before = told[1] if told else "", ""
            continue
        if language is None:
            before = stripped or before
        if language != "sh" or (not pending and (not stripped or stripped.startswith("#"))):
            continue
        began = began or number
        if stripped.endswith("\\"):
            pending += stripped.removesuffix("\\")
            continue
        found.append(Command(page.name, began, pending + stripped, needs))
        pending, began = "", 0
    if language is not None:
        raise ValueError(f"{page.name}: a block of code does not end")
    return found
