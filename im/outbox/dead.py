"""What an operator does about pushes: sees how many wait, and looks after dead letters. Blocks."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Engine, and_, case, delete, func, insert, not_, select, true
from sqlalchemy.engine import Row

from im.outbox.tables import PUSH_COLUMNS, dead, waiting
from im.outbox.verdict import REPEATABLE_MS

_SHOWN_USERS = 3
_AT_ONCE = 500
_STORED_FOR_NOBODY = 200


class DeadLetter(NamedTuple):
    """A push that was given up. `users` are the first of `user_count`.

    `may_have_arrived`: the last attempt had no clear answer.
    """

    key: str
    users: tuple[str, ...]
    user_count: int
    request: str
    created_ms: int
    died_ms: int
    attempts: int
    status: int
    error: str
    may_have_arrived: bool


class State(NamedTuple):
    """How many rows wait and how many are dead; `oldest_ms` is when the longest waiting was pushed, or 0."""

    waiting: int
    dead: int
    oldest_ms: int


def state(engine: Engine) -> State:
    """How it stands now."""
    with engine.connect() as connection:
        counted = select(func.count(), func.coalesce(func.min(waiting.c.created_ms), 0))
        count, oldest_ms = connection.execute(counted.select_from(waiting)).one()
        buried = connection.execute(select(func.count()).select_from(dead)).scalar_one()
    return State(count, buried, oldest_ms)


def dead_letters(engine: Engine, limit: int) -> list[DeadLetter]:
    """The latest, at most `limit`."""
    with engine.connect() as connection:
        rows = connection.execute(select(dead).order_by(dead.c.id.desc()).limit(limit))
        return [_letter(row) for row in rows]


def retry(engine: Engine, keys: Sequence[str] | None, now_ms: int) -> int:
    """Put dead letters of these keys, or all, back at the end of the line; returns how many.

    What the node may still know is repeated as it was first sent; what is older is sent as if it was new,
    and so is what the node stored for nobody.
    """
    kept = [name for name in PUSH_COLUMNS if name not in ("first_ms", "attempts", "renewals")]
    was_for_nobody = dead.c.status == _STORED_FOR_NOBODY
    is_still_known = and_(dead.c.first_ms > now_ms - REPEATABLE_MS, not_(was_for_nobody))
    first_ms = case((is_still_known, dead.c.first_ms), else_=0)
    renewals = case((was_for_nobody, dead.c.renewals + 1), else_=dead.c.renewals)
    letters = select(*(dead.c[name] for name in kept), first_ms, renewals).order_by(dead.c.id)
    names = [*kept, "first_ms", "renewals"]
    with engine.begin() as connection:
        chosen = connection.execute(select(dead.c.id).where(_meant(keys)).order_by(dead.c.id)).scalars().all()
        for start in range(0, len(chosen), _AT_ONCE):
            these = dead.c.id.in_(chosen[start : start + _AT_ONCE])
            connection.execute(insert(waiting).from_select(names, letters.where(these)))
            connection.execute(delete(dead).where(these))
    return len(chosen)


def drop(engine: Engine, keys: Sequence[str] | None) -> int:
    """Forget dead letters of these keys, or all; returns how many."""
    with engine.begin() as connection:
        return connection.execute(delete(dead).where(_meant(keys))).rowcount


def _meant(keys: Sequence[str] | None) -> ColumnElement[bool]:
    return true() if keys is None else dead.c.push_key.in_(keys)


def _letter(row: Row[Any]) -> DeadLetter:
    users: list[str] = json.loads(row.users)
    return DeadLetter(
        row.push_key,
        tuple(users[:_SHOWN_USERS]),
        len(users),
        row.request.decode(),
        row.created_ms,
        row.died_ms,
        row.attempts,
        row.status,
        row.error,
        row.first_ms != 0 and (row.status == 0 or row.status >= 500),
    )
