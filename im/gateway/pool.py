"""The sessions of a node: by user, and by id."""

from collections import Counter
from collections.abc import Iterable, Iterator

from im.core.ids import DEVICE_CLASSES
from im.gateway.connection import Connection


class Pool:
    """user -> connections, session id -> connection. A user's only session costs no container.

    `by_class` counts the sessions of each device class.
    """

    def __init__(self) -> None:
        self._by_id: dict[str, Connection] = {}
        self._by_user: dict[str, tuple[Connection, ...]] = {}
        self.by_class = Counter(dict.fromkeys(sorted(DEVICE_CLASSES), 0))

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Connection]:
        return iter(self._by_id.values())

    def add(self, connection: Connection) -> None:
        """Add a connection that has its session."""
        session = connection.session
        assert session is not None
        self._by_id[session.id] = connection
        self.by_class[session.device_class] += 1
        self._by_user[session.user] = (*self._by_user.get(session.user, ()), connection)

    def discard(self, connection: Connection) -> None:
        """Take a connection out. Idempotent."""
        session = connection.session
        if session is None or self._by_id.pop(session.id, None) is None:
            return
        self.by_class[session.device_class] -= 1
        left = tuple(each for each in self._by_user[session.user] if each is not connection)
        if left:
            self._by_user[session.user] = left
        else:
            del self._by_user[session.user]

    def of_user(self, user: str) -> Iterable[Connection]:
        """The connections of a user."""
        return self._by_user.get(user, ())

    def get(self, session_id: str) -> Connection | None:
        """The connection of a session."""
        return self._by_id.get(session_id)
