"""What is shown of a dead letter: as a record for programs, as lines for people."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from im.cli.output import Json, shown
from im.cli.records import moment

if TYPE_CHECKING:
    from im.adapters.amqp.dead_letters import DeadLetter


def brief(letter: "DeadLetter") -> dict[str, Json]:
    """One letter among many."""
    return {
        "id": letter.id,
        "queue": letter.queue,
        "reason": letter.reason,
        "message_id": letter.message_id,
        "time_ms": letter.time_ms,
        "bytes": len(letter.body),
    }


def line(letter: "DeadLetter") -> str:
    """The same for people; `-` is what the letter does not say."""
    when = moment(letter.time_ms) if letter.time_ms else ""
    columns = (letter.id, when, letter.queue, f"{len(letter.body)} bytes", letter.reason)
    return "  ".join(shown(each) or "-" for each in columns)


def whole(letter: "DeadLetter") -> dict[str, Json]:
    """All of one: its body as JSON in `body` if it is that, else in hex in `raw`.

    Of requests of nodes `requests` says what they are.
    """
    record = brief(letter) | {"headers": _plain(letter.headers)}
    try:
        record["body"] = json.loads(letter.body)
    except (ValueError, RecursionError):
        record["raw"] = letter.body.hex()
        requests = _requests(letter.body)
        if requests:
            record["requests"] = requests
    return record


def lines(letter: "DeadLetter") -> Iterator[str]:
    """The same for people."""
    record = whole(letter)
    yield line(letter)
    for name in ("headers", "body", "raw", "requests"):
        if name in record:
            yield shown(f"{name}  {json.dumps(record[name], ensure_ascii=False)}")


def _requests(body: bytes) -> list[Json]:
    from im.adapters.amqp.codec import UnreadableError, unpack_submission

    try:
        return [repr(each.command) for each in unpack_submission(body).requests]
    except UnreadableError:
        return []


def _plain(value: Any) -> Json:
    """A header's value, which may be of any type that AMQP has."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str | int | float) or value is None else str(value)
