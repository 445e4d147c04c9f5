"""`imctl export`."""

import json
import os
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from im.cli.operators import question
from im.cli.output import Output

_ONLY_MINE = 0o600


def run(arguments: Namespace, output: Output) -> None:
    """Show all that is stored about a user, a line of JSON each."""
    records = _records(arguments)
    if arguments.output is None:
        for each in records:
            output.record(each, json.dumps(each, ensure_ascii=False))
        return
    path = Path(arguments.output)
    count = _write(path, records)
    output.record({"user": arguments.user, "records": count, "file": str(path)}, f"{count} records in {path}")


def _records(arguments: Namespace) -> Iterator[Any]:
    after: str | None = ""
    while after is not None:
        query = urlencode({"user": arguments.user, "after": after})
        page = question(arguments, f"/v1/personal-data/export?{query}")
        yield from page["records"]
        after = page["next"]


def _write(path: Path, records: Iterator[Any]) -> int:
    """Into a new file, that nobody else may read; a part of it is no file at all."""
    count = 0
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _ONLY_MINE)
    with os.fdopen(opened, "w", encoding="utf-8") as out:
        try:
            for each in records:
                out.write(json.dumps(each, ensure_ascii=False) + "\n")
                count += 1
        except BaseException:
            path.unlink()
            raise
    return count
