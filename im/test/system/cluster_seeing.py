"""What operators see of a cluster that runs: the way of a message, the shards, the metrics."""

import json
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from twisted.trial.unittest import SynchronousTestCase

from im.test.system.imctl import environment
from im.test.system.processes import BIN, Process, wait_for
from im.test.tap.metrics_table import PAGE

Imctl = Callable[..., list[dict[str, Any]]]
"""Runs `imctl` on the cluster; its records."""

ADMIN_SECONDS = 10.0
WORKERS = {"worker-1", "worker-2"}


def check_seeing(case: SynchronousTestCase, imctl: Imctl, state: Path, nodes: tuple[str, str]) -> None:
    """Any node tells how a message went that crosses to another, and who owns the shards."""
    first, second = nodes
    tail = f"tail --node {second} --as bob".split()
    watching = Process([BIN / "imctl", *tail], state.parent, **environment(IM_STATE_DIR=str(state)))
    case.addCleanup(watching.end)
    wait_for(lambda: bool(imctl("sessions", "--node", first, "--user", "bob")), "bob's session")
    # Whose worker wrote an entry is known for as long as the shard stays where it is.
    wait_for(lambda: _owners(imctl, first) == WORKERS, "shards with both workers")
    _check_live_trace(case, imctl, first, second)
    watching.end()
    shards = imctl("shards", "--node", second)
    case.assertEqual([each["shard"] for each in shards], [0, 1, 2, 3])
    case.assertEqual([each for each in shards if not each["answers"] or each["waiting"] is None], [])


def _owners(imctl: Imctl, node: str) -> set[str]:
    return {each["owner"].rpartition("-")[0] for each in imctl("shards", "--node", node)}


def _check_live_trace(case: SynchronousTestCase, imctl: Imctl, first: str, second: str) -> None:
    """The first node asks the second, which holds bob's session."""
    (sent,) = imctl("send", "--node", first, "--as", "alice", "--to", "bob", "traced")
    traces: list[dict[str, Any]] = []

    def is_settled() -> bool:
        """An acknowledgement is noted within a second, and so is an announcement."""
        traces[:] = imctl("trace", "--node", first, sent["conversation"], str(sent["seq"]))
        states = [each["state"] for each in traces[0]["sessions"]]
        return bool(traces[0]["is_announced"]) and states == ["acknowledged"]

    wait_for(is_settled, "what became of the message")
    (trace,) = traces
    case.assertEqual((trace["sender"], trace["committed_ms"]), ("alice", sent["server_time_ms"]))
    case.assertRegex(trace["worker"], "^worker-")
    case.assertGreaterEqual(trace["epoch"], 1)
    case.assertEqual(trace["nodes"], [{"node": second, "has_answered": True, "is_complete": True}])
    case.assertEqual([(each["user"], each["node"]) for each in trace["sessions"]], [("bob", second)])
    (bob,) = (each for each in trace["members"] if each["user"] == "bob")
    case.assertEqual([bob["is_delivered"], bob["is_read"], bob["is_connected"]], [True, False, True])
    (same,) = imctl("trace", "--node", second, "--as", "alice", "--client-id", sent["client_msg_id"])
    case.assertEqual((same["conversation"], same["seq"]), (sent["conversation"], sent["seq"]))


def check_metrics(case: SynchronousTestCase, state: Path) -> None:
    """Whatever a process of a cluster tells is on the page."""
    named = set(re.findall(r"`(\w+)`", PAGE.read_text(encoding="utf-8")))
    for file in state.glob("*/node.json"):
        admin = json.loads(file.read_text())["admin"].rstrip("/")
        with urllib.request.urlopen(f"{admin}/metrics", timeout=ADMIN_SECONDS) as answer:
            families = text_string_to_metric_families(answer.read().decode())
        told = {each.name for each in families if each.name.startswith("im_")}
        case.assertIn("im_part_ready", told, file)
        case.assertEqual({each for each in told if not {each, f"{each}_total"} & named}, set(), file)
