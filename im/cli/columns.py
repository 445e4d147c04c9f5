"""Rows of text as people read them: one column below the other."""

import unicodedata
from collections.abc import Sequence

GAP = "  "


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Each row as a line; all have equally many columns, and the last one is as wide as it is."""
    widths = [max(_width(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        GAP.join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _width(text: str) -> int:
    return sum(1 + (unicodedata.east_asian_width(each) in "WF") for each in text)
