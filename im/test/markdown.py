"""Reads tables and blocks of our Markdown pages, so that tests can hold them equal to the code."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def table(page: Path, *columns: str) -> list[dict[str, str]]:
    """The rows of the table with exactly these columns, by column. Raises LookupError without one."""
    head = "| " + " | ".join(columns) + " |"
    lines = page.read_text(encoding="utf-8").splitlines()
    if head not in lines:
        raise LookupError(f"{page.name} has no table {head}")
    rows = []
    for line in lines[lines.index(head) + 2 :]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        rows.append(dict(zip(columns, cells, strict=True)))
    return rows


def block(page: Path, language: str, number: int = 0) -> str:
    """The text of a block of code: the first of its language, or a later one. Raises LookupError."""
    found = page.read_text(encoding="utf-8").split(f"```{language}\n")[1:]
    if number >= len(found):
        raise LookupError(f"{page.name} has no block {number} of {language}")
    return found[number].partition("```")[0]
