"""Which incarnations of workers count."""

from collections.abc import Sequence


def without_earlier(worker: str, names: Sequence[str]) -> list[str]:
    """The incarnations of others, and `worker` if it is there.

    Its own earlier ones are over, whatever their leases say: it need not wait for their shards.
    """
    node = worker.rpartition("-")[0]
    return [each for each in names if each == worker or each.rpartition("-")[0] != node]
