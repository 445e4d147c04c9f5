"""What of a database connection the operations use."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from im.adapters.sql.operations.statements import RowsInsert


class Cursor(Protocol):
    """The rows that a statement gave, or how many it changed."""

    @property
    def rowcount(self) -> int:
        """How many rows were inserted, changed or removed."""

    def fetchone(self) -> Any:
        """The next row, None after the last."""

    def fetchall(self) -> list[Any]:
        """All rows that are left."""

    def __iter__(self) -> Iterator[Any]:
        """The rows that are left, one by one."""


class Connection(Protocol):
    """Runs statements whose values stand as `?`."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Cursor:
        """Run one statement."""

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Cursor:
        """Run one statement once for each row of values."""

    def insert_rows(self, insert: "RowsInsert", rows: Sequence[Sequence[Any]], /) -> int:
        """Insert rows in few statements; returns how many were inserted or changed."""
