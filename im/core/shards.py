"""Which shard a command belongs to, and which worker should own a shard."""

import zlib
from collections.abc import Iterable, Sequence
from typing import Any

from im.core.ids import direct_conversation, id_problem, inbox_conversation
from im.core.pushing import StorePush


def shard_of(key: str, shards: int) -> int:
    """The shard of a conversation's or a user's id."""
    return zlib.crc32(key.encode()) % shards


def shard_key(command: Any) -> str:
    """The id that a command's shard follows from: its conversation, else its pair's, its user, its node.

    "" for what belongs nowhere: any shard will do. A push is split by whoever submits it.
    """
    conversation = getattr(command, "conversation", "")
    if conversation:
        return str(conversation)
    if isinstance(command, StorePush) and command.users:
        return inbox_conversation(command.users[0])
    user, peer = getattr(command, "user", ""), getattr(command, "peer", "")
    if user and peer and user != peer and id_problem(user, "") is None and id_problem(peer, "") is None:
        return direct_conversation(user, peer)
    opened = getattr(command, "opened", None)
    return str(user or getattr(opened, "user", "") or getattr(command, "node", ""))


def preferred(shard: int, workers: Iterable[str]) -> str:
    """The worker that should own a shard: rendezvous hashing moves few when workers come and go."""
    return max(workers, key=lambda worker: (zlib.crc32(f"{worker} {shard}".encode()), worker), default="")


def preferred_shards(worker: str, workers: Sequence[str], shards: int) -> list[int]:
    """The shards that a worker should own, one at most more than others have."""
    owners = balanced(sorted({*workers, worker}), shards)
    return [shard for shard, owner in enumerate(owners) if owner == worker]


def balanced(workers: Sequence[str], shards: int) -> list[str]:
    """Who should own each shard: as `preferred`, but nobody gets more than their share."""
    left = dict.fromkeys(workers, -(-shards // len(workers)))
    owners = []
    for shard in range(shards):
        owner = preferred(shard, [worker for worker in workers if left[worker]])
        left[owner] -= 1
        owners.append(owner)
    return owners
