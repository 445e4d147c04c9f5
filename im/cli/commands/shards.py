"""`imctl shards`."""

from argparse import Namespace
from typing import Any

from im.cli.operators import question
from im.cli.output import Output, shown
from im.cli.records import moment


def run(arguments: Namespace, output: Output) -> None:
    """Show who owns the shards of a cluster, since when, and what waits for them."""
    for shard in question(arguments, "/v1/shards")["shards"]:
        columns = _columns(shard) if shard["shard"] is not None else _alone(shard)
        output.record(shard, "  ".join(shown(each) for each in columns))


def _alone(shard: dict[str, Any]) -> tuple[str, ...]:
    since = f"since {moment(shard['since_ms'])}"
    return ("all", shard["owner"], "one process owns everything", since, _waiting(shard, "requests"))


def _columns(shard: dict[str, Any]) -> tuple[str, ...]:
    owner = shard["owner"] or "nobody known"
    since = f"since {moment(shard['since_ms'])}" if shard["answers"] else "does not answer"
    return (str(shard["shard"]), owner, f"epoch {shard['epoch']}", since, _waiting(shard, "batches"))


def _waiting(shard: dict[str, Any], what: str) -> str:
    return f"{'?' if shard['waiting'] is None else shard['waiting']} {what} wait"
