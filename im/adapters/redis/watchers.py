"""Who watches whom, as audiences of the registry."""

from collections.abc import Iterable, Mapping, Sequence

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from im.ports import ISessionRegistry, IWatchers, UnavailableError

_PREFIX = "p~"


@implementer(IWatchers)
class RegistryWatchers:
    """`p~USER` for each user that is watched. `audiences` are those that this process holds."""

    def __init__(self, registry: ISessionRegistry) -> None:
        self._registry = registry
        self.audiences: dict[str, None] = {}

    def join(self, node: str, users: Iterable[str]) -> "Deferred[None]":
        """See `IWatchers`. While the node establishes itself anew, that will tell the registry."""
        joined = [_PREFIX + user for user in users]
        self.audiences.update(dict.fromkeys(joined))
        joining: Deferred[None] = self._registry.join(node, joined)
        return joining.addErrback(_later)

    def leave(self, node: str, users: Iterable[str]) -> None:
        """See `IWatchers`."""
        left = [_PREFIX + user for user in users]
        for each in left:
            self.audiences.pop(each, None)
        leaving: Deferred[None] = self._registry.leave(node, left)
        leaving.addErrback(_later)

    def watching(self, users: Iterable[str]) -> "Deferred[Mapping[str, Sequence[str]]]":
        """See `IWatchers`."""
        held: Deferred[Mapping[str, Sequence[str]]] = self._registry.holding(_PREFIX + user for user in users)
        return held.addCallback(_without_prefix)


def _without_prefix(held: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    return {node: [each.removeprefix(_PREFIX) for each in audiences] for node, audiences in held.items()}


def _later(failure: Failure) -> None:
    failure.trap(UnavailableError)
