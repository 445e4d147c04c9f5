"""`imctl erase`."""

import time
from argparse import Namespace
from collections import Counter
from typing import Any

from im.cli.failures import failed, usage
from im.cli.operators import question
from im.cli.output import Output, shown

STEP_SECONDS = 30.0
CLOSING_SECONDS = 20.0
"""How long sessions may take to be closed in the ledger."""

_PAUSE_SECONDS = 0.2


def run(arguments: Namespace, output: Output) -> None:
    """Erase a user, with all that is theirs alone."""
    if not arguments.yes:
        raise usage("this can't be undone: look at `imctl export` first, then say --yes")
    done: Counter[str] = Counter()
    at: str | None = ""
    patience = CLOSING_SECONDS
    while at is not None:
        step = _step(arguments, at)
        if step["sessions"] and not step["messages"] and not step["rows"]:
            patience -= _PAUSE_SECONDS
            if patience < 0:
                raise failed(f"{step['sessions']} sessions are not closed yet; run it again later", "open")
            time.sleep(_PAUSE_SECONDS)
        for name in ("messages", "rows"):
            done[name] += step[name]
        at = step["next"]
    record = {"user": arguments.user, "messages": done["messages"], "rows": done["rows"]}
    text = (
        f"{shown(arguments.user)} is erased; {done['messages']} messages emptied, {done['rows']} rows removed"
    )
    output.record(record, text)


def _step(arguments: Namespace, at: str) -> Any:
    body = {"user": arguments.user, "at": at}
    return question(arguments, "/v1/personal-data/erase", body, seconds=STEP_SECONDS)
