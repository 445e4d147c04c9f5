"""What the relay does to the table of waiting pushes. Everything here blocks: for a thread.

A relay has a row in hand by a lease, taken by compare-and-set: this works alike on PostgreSQL, SQLite
and MySQL, two relays never win the same row, and the lease of one that was killed runs out.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Engine, delete, insert, literal, select, update

from im.outbox.order import Line, Place, slices
from im.outbox.tables import ERROR_CHARACTERS, PUSH_COLUMNS, dead, waiting

_PLACES = 256
_SLICE_BYTES = 1_048_576


class Claim(NamedTuple):
    """A row in this relay's hands; see the table for its fields. `key` is the one to post it under.

    `attempts` counts the coming one, and `first_ms` is its moment unless the row `was_tried` before.
    """

    id: int
    key: str
    users: bytes
    request: bytes
    created_ms: int
    expires_ms: int
    first_ms: int
    attempts: int
    was_tried: bool


class PutOff(NamedTuple):
    """A row goes back into the line; the numbers are what it has from now on."""

    id: int
    due_ms: int
    attempts: int
    first_ms: int
    error: str


class Buried(NamedTuple):
    """A row becomes a dead letter."""

    id: int
    status: int
    error: str


class Done(NamedTuple):
    """A row is needed no more."""

    id: int


Ended = Done | PutOff | Buried


class Rows:
    """The waiting rows as the relay of this name, unique among all, sees them."""

    def __init__(self, engine: Engine, relay: str, lease_ms: int) -> None:
        self._engine = engine
        self._relay = relay
        self._lease_ms = lease_ms

    def settle(self, ended: Sequence[Ended], held: Sequence[int], now_ms: int) -> None:
        """Write what became of rows, and hold those that are still being delivered for longer.

        The same again changes nothing.
        """
        if not ended and not held:
            return
        with self._engine.begin() as connection:
            done = [each.id for each in ended if isinstance(each, Done)]
            if done:
                connection.execute(delete(waiting).where(waiting.c.id.in_(done)))
            for each in ended:
                if isinstance(each, PutOff):
                    self._put_off(connection, each)
                elif isinstance(each, Buried):
                    self._bury(connection, each, now_ms)
            if held:
                leased = update(waiting).where(waiting.c.id.in_(held), waiting.c.relay == self._relay)
                connection.execute(leased.values(leased_until_ms=now_ms + self._lease_ms))

    def claim(self, most: int, now_ms: int) -> list[Claim]:
        """Take at most so many rows that may go now, in their order."""
        with self._engine.connect() as connection:
            picked = _picked(connection, Line(now_ms, most))
        if not picked:
            return []
        with self._engine.begin() as connection:
            taken = [place for place in picked if self._take(connection, place, now_ms)]
        with self._engine.connect() as connection:
            return _claims(connection, taken)

    def forget(self, before_ms: int) -> None:
        """Drop the dead letters that died before a moment."""
        with self._engine.begin() as connection:
            connection.execute(delete(dead).where(dead.c.died_ms < before_ms))

    def _take(self, connection: Connection, place: Place, now_ms: int) -> bool:
        """Take a row that is as it was seen; False where another relay was faster."""
        as_seen = (
            waiting.c.id == place.id,
            waiting.c.leased_until_ms == place.leased_until_ms,
            waiting.c.due_ms == place.due_ms,
        )
        taken = update(waiting).where(*as_seen)
        values = {
            "leased_until_ms": now_ms + self._lease_ms,
            "relay": self._relay,
            "attempts": waiting.c.attempts + 1,
            "first_ms": place.first_ms or now_ms,
        }
        return connection.execute(taken.values(values)).rowcount == 1

    def _put_off(self, connection: Connection, row: PutOff) -> None:
        own = update(waiting).where(waiting.c.id == row.id, waiting.c.relay == self._relay)
        values = {
            "due_ms": row.due_ms,
            "attempts": row.attempts,
            "first_ms": row.first_ms,
            "error": _storable(row.error),
            "leased_until_ms": 0,
        }
        connection.execute(own.values(values))

    def _bury(self, connection: Connection, letter: Buried, now_ms: int) -> None:
        own = (waiting.c.id == letter.id, waiting.c.relay == self._relay)
        names = [*PUSH_COLUMNS, "error", "status", "died_ms"]
        moved = select(
            *(waiting.c[name] for name in PUSH_COLUMNS),
            literal(_storable(letter.error)),
            literal(letter.status),
            literal(now_ms),
        )
        connection.execute(insert(dead).from_select(names, moved.where(*own)))
        connection.execute(delete(waiting).where(*own))


def _picked(connection: Connection, line: Line) -> list[Place]:
    """Go along the line, with a bounded part of it in memory."""
    places = _places(connection, 0)
    while places:
        for part in slices(places, _SLICE_BYTES):
            users = _users(connection, part)
            for place in part:
                if line.is_over:
                    return line.picked
                if place.id in users:  # else it was delivered meanwhile
                    line.look(place, users[place.id])
        places = _places(connection, places[-1].id) if len(places) == _PLACES else []
    return line.picked


def _places(connection: Connection, after: int) -> list[Place]:
    columns = [waiting.c[name] for name in Place._fields]
    rows = select(*columns).where(waiting.c.id > after).order_by(waiting.c.id).limit(_PLACES)
    return [Place(*row) for row in connection.execute(rows)]


def _users(connection: Connection, part: Sequence[Place]) -> dict[int, list[str]]:
    rows = select(waiting.c.id, waiting.c.users).where(waiting.c.id.between(part[0].id, part[-1].id))
    return {row.id: json.loads(row.users) for row in connection.execute(rows)}


def _claims(connection: Connection, taken: Sequence[Place]) -> list[Claim]:
    was_tried = {place.id: place.first_ms != 0 for place in taken}
    rows = select(waiting).where(waiting.c.id.in_(was_tried)).order_by(waiting.c.id)
    return [
        Claim(
            row.id,
            f"{row.push_key}-{row.renewals}" if row.renewals else row.push_key,
            row.users,
            row.request,
            row.created_ms,
            row.expires_ms,
            row.first_ms,
            row.attempts,
            was_tried[row.id],
        )
        for row in connection.execute(rows)
    ]


def _storable(text: str) -> str:
    """A text of others as every database takes it: no NUL, no half of a character."""
    return "".join(each if each.isprintable() else "?" for each in text[:ERROR_CHARACTERS])
