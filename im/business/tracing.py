"""How one entry went: committed by whom, announced to which nodes, how far on its way to which session.

It is read off the tables, the registry and the windows of the nodes when an operator asks.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred, gatherResults
from twisted.python.failure import Failure

from im.core.errors import Refused, RefusedError
from im.core.ids import GROUP
from im.core.seeing import FindFlights, FindShards, Flight, FlightsFound, ShardsFound, TracedEntry, TraceEntry
from im.ports import ISessionRegistry, IStore, UnavailableError

IN_FLIGHT, DROPPED = "in_flight", "dropped"
CAME_LATER, ACKNOWLEDGED, NOTHING_IN_FLIGHT = "came_later", "acknowledged", "nothing_in_flight"

AskNode = Callable[[str, FindFlights], "Deferred[FlightsFound]"]
"""Asks the node of an address; fails with `UnavailableError`."""


class NodeTrace(NamedTuple):
    """A node that is told of the conversation now. `is_complete`: it told of all its sessions."""

    node: str
    has_answered: bool
    is_complete: bool


class SessionTrace(NamedTuple):
    """How an entry stands with a session that is connected now.

    `in_flight`: written and not acknowledged. `dropped`: the session reads too slowly, and is to be told to
    pull. `came_later`: it is younger than the entry, so a sync told it. `acknowledged`: it holds nothing
    more of it, and a device of its user acknowledged it, or it is the sender's. `nothing_in_flight`:
    it was there, and neither is so, at least not yet.
    """

    node: str
    flight: Flight
    state: str


class Trace(NamedTuple):
    """Of one entry. `shard` -1: one process owns all. `worker` "": the owner of then is not known."""

    entry: TracedEntry
    shard: int
    worker: str
    epoch: int
    nodes: Sequence[NodeTrace]
    sessions: Sequence[SessionTrace]


class TraceDesk:
    """Traces entries, with questions to the nodes that hold their members' sessions."""

    def __init__(self, store: IStore, registry: ISessionRegistry, ask: AskNode) -> None:
        self._store = store
        self._registry = registry
        self._ask = ask

    async def trace(self, wanted: TraceEntry) -> Trace:
        """How an entry went. Raises `RefusedError` if there is none, and `UnavailableError`."""
        entry = await self._store.read(wanted)
        if isinstance(entry, Refused):
            raise RefusedError(entry)
        assert isinstance(entry, TracedEntry)
        shards = await self._store.read(FindShards(entry.conversation))
        assert isinstance(shards, ShardsFound)
        shard, worker, epoch = _committed_by(shards, entry.time_ms)
        flights = FindFlights(entry.conversation, entry.seq, tuple(each.user for each in entry.members))
        asked = await self._nodes(flights)
        nodes: list[NodeTrace] = []
        sessions: list[SessionTrace] = []
        asking = [self._ask(node, flights).addErrback(_silent) for node in asked]
        answers = await gatherResults(asking, consumeErrors=True).addErrback(_first)
        for node, found in zip(asked, answers, strict=True):
            nodes.append(NodeTrace(node, found is not None, found is not None and not found.more))
            if found is not None:
                sessions += [SessionTrace(node, each, _state(each, entry)) for each in found.flights]
        return Trace(entry, shard, worker, epoch, nodes, sessions)

    async def _nodes(self, flights: FindFlights) -> list[str]:
        """Where the registry says that those are whom the conversation concerns."""
        found = set(await self._registry.locate(flights.users))
        if flights.conversation.partition("~")[0] == GROUP:
            found.update(await self._registry.holding([flights.conversation]))
        return sorted(found)


def _silent(failure: Failure) -> None:
    failure.trap(UnavailableError)


def _first(failure: Any) -> Any:
    """The error itself of the first that failed: that the operator has gone."""
    return failure.value.subFailure


def _committed_by(shards: ShardsFound, time_ms: int) -> tuple[int, str, int]:
    """The shard, and who committed at a time, if the shard had its present owner then."""
    for shard, owner, epoch in shards.rows:
        if shard == shards.shard and shards.since_ms <= time_ms:
            return shard, owner, epoch
    return shards.shard, "", 0


def _state(flight: Flight, entry: TracedEntry) -> str:
    if flight.resends >= 0:
        return IN_FLIGHT
    if flight.is_dropped:
        return DROPPED
    if flight.since_ms > entry.time_ms:
        return CAME_LATER
    delivered = {each.user: each.delivered_seq for each in entry.members}
    if flight.user == entry.sender or delivered.get(flight.user, 0) >= entry.seq:
        return ACKNOWLEDGED
    return NOTHING_IN_FLIGHT
