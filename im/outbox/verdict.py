"""What an attempt to post a push means for its row, and for the relay."""

import enum
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from im.core.backends import REMEMBERED_MS
from im.outbox.request import MS
from im.outbox.rows import Buried, Claim, Done, Ended, PutOff

REPEATABLE_MS = REMEMBERED_MS - 3_600_000
"""How long after its first attempt a push is repeated: a node knows its key a little longer."""

FIRST_BACK_OFF_MS = 200
MOST_BACK_OFF_MS = 60_000
MOST_RETRY_AFTER_MS = 300_000
_SHOWN_USERS = 3


class Verdict(enum.Enum):
    """What becomes of the row."""

    DELIVERED = "delivered"
    EXPIRED = "expired"
    RETRY = "retry"
    DEAD = "dead"


class Outcome(NamedTuple):
    """One attempt's end; `status` is HTTP's, 0 without an answer.

    `is_counted`: it is one of the attempts that a row has. `may_have_arrived`: the node may know the key.
    `is_trouble`: the next row would fare no better, so the relay pauses; `retry_after_ms` at least.
    `unknown` users got nothing.
    """

    verdict: Verdict
    status: int = 0
    text: str = ""
    is_counted: bool = True
    may_have_arrived: bool = True
    is_trouble: bool = False
    retry_after_ms: int = 0
    unknown: tuple[str, ...] = ()


class Answer(NamedTuple):
    """What a node answered; `retry_after` as it stands in the header, or "". Its body may have broken off."""

    status: int
    retry_after: str
    body: bytes
    may_have_broken_off: bool = False


_OF_THE_ROW = frozenset({400, 409, 413, 422})
"""No repetition makes this push a good one."""

_NOT_NOW = frozenset({408, 425, 429})
_DOWN = frozenset({502, 503, 504})


def of_answer(answer: Answer) -> Outcome:
    """What an answer means."""
    status, document = answer.status, _document(answer.body)
    if status == 200 and "stored" in document:  # else something else answers there
        unknown = _unknown(document)
        if unknown and not document["stored"]:
            return Outcome(Verdict.DEAD, status, f"the node knows none of its users: {shown_users(unknown)}")
        return Outcome(Verdict.DELIVERED, status, unknown=unknown)
    if status == 200 and answer.may_have_broken_off:
        return unanswered("the answer broke off")
    text = f"HTTP {status}: {_reason(document)}"
    if status in _OF_THE_ROW:
        return Outcome(Verdict.DEAD, status, text)
    wait_ms = _wait_ms(answer.retry_after)
    if status in _NOT_NOW:
        return Outcome(Verdict.RETRY, status, text, False, False, True, wait_ms)
    if status >= 500:
        return Outcome(Verdict.RETRY, status, text, is_trouble=status in _DOWN, retry_after_ms=wait_ms)
    return Outcome(Verdict.RETRY, status, f"{text} (is the URL right, and the key?)", False, False, True)


def unreachable(text: str) -> Outcome:
    """No connection was made: this says nothing of the row."""
    return Outcome(Verdict.RETRY, 0, text, is_counted=False, may_have_arrived=False, is_trouble=True)


def unanswered(text: str) -> Outcome:
    """The push may have arrived or not."""
    return Outcome(Verdict.RETRY, 0, text)


def without_asking(claim: Claim, now_ms: int, most_attempts: int) -> Outcome | None:
    """The end of a row that is not to be posted any more; None: post it."""
    if claim.expires_ms and now_ms >= claim.expires_ms:
        return Outcome(Verdict.EXPIRED)
    if claim.attempts > most_attempts:
        return Outcome(Verdict.DEAD, 0, f"{most_attempts} attempts failed")
    if now_ms - claim.first_ms > REPEATABLE_MS:
        return Outcome(Verdict.DEAD, 0, "it may have arrived, too long ago to repeat it without doubling it")
    return None


def end_of(claim: Claim, outcome: Outcome, most_attempts: int, now_ms: int, part: float) -> Ended:
    """What to write into the row's place after an attempt; `part` as for `back_off_ms`."""
    if outcome.verdict in (Verdict.DELIVERED, Verdict.EXPIRED):
        return Done(claim.id)
    if outcome.verdict is Verdict.DEAD or (outcome.is_counted and claim.attempts >= most_attempts):
        return Buried(claim.id, outcome.status, outcome.text)
    attempts = claim.attempts if outcome.is_counted else claim.attempts - 1
    first_ms = claim.first_ms if outcome.may_have_arrived or claim.was_tried else 0
    wait_ms = max(outcome.retry_after_ms, back_off_ms(attempts, part)) if attempts else 0
    return PutOff(claim.id, now_ms + wait_ms, attempts, first_ms, outcome.text)


def ttl_seconds(claim: Claim) -> int | None:
    """How long the push lives from its first attempt on; the same at each repetition."""
    if not claim.expires_ms:
        return None
    return max(1, -(-(claim.expires_ms - claim.first_ms) // MS))


def back_off_ms(attempts: int, part: float) -> int:
    """How long to wait after so many attempts; `part`, random from 0 to 1, spreads it over a half."""
    longest = min(MOST_BACK_OFF_MS, FIRST_BACK_OFF_MS << min(attempts, 20) >> 1)
    return int(longest * (1 + part) / 2)


def shown_users(users: Sequence[str]) -> str:
    """The first of them."""
    return ", ".join(users[:_SHOWN_USERS]) + (", …" if len(users) > _SHOWN_USERS else "")


def _wait_ms(retry_after: str) -> int:
    """Whole seconds; a date is too much trouble for a hint."""
    return min(int(retry_after) * MS, MOST_RETRY_AFTER_MS) if retry_after.isdecimal() else 0


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _unknown(document: dict[str, Any]) -> tuple[str, ...]:
    users = document.get("unknown")
    return tuple(map(str, users)) if isinstance(users, list) else ()


def _reason(document: dict[str, Any]) -> str:
    error = document.get("error")
    return str(error.get("text", "")) if isinstance(error, dict) else "no answer of a node"
