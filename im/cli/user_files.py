"""Users to be made, from a file: CSV with a head, or a JSON object a line."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TextIO

from im.cli.failures import failed

_OWN = ("user", "name", "avatar")
"""Columns with a meaning; any other one of a CSV is a field of the profile."""


def users_in(path: Path) -> Iterator[Mapping[str, object]]:
    """Each user as the HTTP API takes it. Raises `Failure`, naming the line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _from_json(path, file) if path.suffix == ".jsonl" else _from_csv(path, file)
    except OSError as error:
        raise failed(f"{path}: {error.strerror}", "unreadable") from error
    except UnicodeDecodeError as error:
        raise failed(f"{path}: it is not UTF-8", "unreadable") from error


def _from_csv(path: Path, file: TextIO) -> Iterator[Mapping[str, object]]:
    rows = csv.DictReader(file, strict=True)
    try:
        if "user" not in (rows.fieldnames or ()):
            raise failed(f"{path}: its first line names no column user", "unreadable")
        for row in rows:
            if None in row or None in row.values():
                raise failed(f"{path}, line {rows.line_num}: not as many values as columns", "unreadable")
            fields = {name: value for name, value in row.items() if name not in _OWN and value}
            yield {**{name: row[name] for name in _OWN if row.get(name)}, "fields": fields}
    except csv.Error as error:
        raise failed(f"{path}, line {rows.line_num}: {error}", "unreadable") from error


def _from_json(path: Path, lines: Iterable[str]) -> Iterator[Mapping[str, object]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            user = json.loads(line)
        except ValueError as error:
            raise failed(f"{path}, line {number}: no JSON: {error}", "unreadable") from error
        if not isinstance(user, dict):
            raise failed(f"{path}, line {number}: no JSON object", "unreadable")
        yield user
