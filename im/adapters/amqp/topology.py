"""Every exchange and queue of a cluster, as data. All names begin with the cluster's prefix.

| name | kind | carries |
|---|---|---|
| `im.shard.N` | durable classic queue, single active consumer | requests of nodes; an answer is the confirm |
| `im.node.NODE~GENERATION` | exclusive queue of one process | answers, deliveries, signals, beats |
| `im.push` | quorum queue | pushes of back ends, in the schema of `POST /v1/push` |
| `im.custom.TYPE` | whatever its owner declares | requests of an app's own type |
| `im.events` | durable topic exchange | events for back ends, by kind |
| `im.dead` | quorum queue | what could not be done, with the reason |
"""

from collections.abc import Mapping
from typing import NamedTuple

SHARD_MESSAGE_MS = 10_000
"""What waits longer has been given up by whoever asked."""

SHARD_MESSAGES = 10_000
NODE_MESSAGES = 100_000
"""A node that falls so far behind loses the oldest, sees the hole, and begins anew."""

PUSH_ATTEMPTS = 8
"""So often a push was in hand when its worker died or failed: the broker puts it aside."""

DEAD_LOOKS = 1_000_000
"""A look at a dead letter counts as an attempt; none may be lost by being looked at."""


class Queue(NamedTuple):
    """A queue as it is declared."""

    name: str
    durable: bool
    exclusive: bool
    arguments: Mapping[str, object]


class Topology:
    """The names and shapes of one cluster."""

    def __init__(self, prefix: str, shards: int) -> None:
        self._prefix = prefix
        self.shards = shards
        self.events = f"{prefix}.events"
        self.custom_prefix = f"{prefix}.custom."

    def shard(self, number: int) -> Queue:
        """Of the requests of a shard."""
        arguments = {
            "x-single-active-consumer": True,
            "x-message-ttl": SHARD_MESSAGE_MS,
            "x-max-length": SHARD_MESSAGES,
            "x-overflow": "reject-publish",
        }
        return Queue(f"{self._prefix}.shard.{number}", True, False, arguments)

    def node(self, address: str) -> Queue:
        """Of one process under one generation."""
        arguments = {"x-max-length": NODE_MESSAGES, "x-overflow": "drop-head"}
        return Queue(self.node_name(address), False, True, arguments)

    def node_name(self, address: str) -> str:
        """The name of that queue."""
        return f"{self._prefix}.node.{address}"

    def custom(self, number: int) -> str:
        """The queue of an app's own type."""
        return f"{self.custom_prefix}{number}"

    def is_ours(self, queue: str) -> bool:
        """Whether a queue has a name of this cluster, and is not that of dead letters."""
        return queue.startswith(f"{self._prefix}.") and queue != self.dead.name

    @property
    def push(self) -> Queue:
        """Of pushes."""
        dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": self.dead.name}
        return _quorum(f"{self._prefix}.push", PUSH_ATTEMPTS, {"x-single-active-consumer": True, **dead})

    @property
    def dead(self) -> Queue:
        """Of what could not be done."""
        return _quorum(f"{self._prefix}.dead", DEAD_LOOKS, {})


def _quorum(name: str, attempts: int, more: Mapping[str, object]) -> Queue:
    return Queue(name, True, False, {"x-queue-type": "quorum", "x-delivery-limit": attempts, **more})
