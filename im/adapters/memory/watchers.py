"""Which nodes watch whom, within one process: the reference that the contract suite defines."""

from collections.abc import Iterable, Mapping, Sequence

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from im.ports import IWatchers


@implementer(IWatchers)
class MemoryWatchers:
    """user -> nodes, in a dict."""

    def __init__(self) -> None:
        self._nodes: dict[str, set[str]] = {}

    def __len__(self) -> int:
        """How many users are watched."""
        return len(self._nodes)

    def join(self, node: str, users: Iterable[str]) -> Deferred[None]:
        """See `IWatchers`."""
        for user in users:
            self._nodes.setdefault(user, set()).add(node)
        return succeed(None)

    def leave(self, node: str, users: Iterable[str]) -> None:
        """See `IWatchers`."""
        for user in users:
            nodes = self._nodes.get(user, set())
            nodes.discard(node)
            if not nodes:
                self._nodes.pop(user, None)

    def watching(self, users: Iterable[str]) -> Deferred[Mapping[str, Sequence[str]]]:
        """See `IWatchers`."""
        found: dict[str, list[str]] = {}
        for user in users:
            for node in self._nodes.get(user, ()):
                found.setdefault(node, []).append(user)
        return succeed(found)
