"""What system tests of a cluster share: one that runs, and `imctl` at its first node."""

from collections.abc import Mapping
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from im.test.system.imctl import environment, run
from im.testing.clusters import Cluster, ClusterPlan
from im.testing.clusters.folders import cluster_folder

NODE = "node-1"


class ClusterCase(SynchronousTestCase):
    """With `gateways` nodes and `business` workers, which end with the test; `settings` are theirs."""

    uses_processes = True
    gateways = 1
    business = 1
    settings: Mapping[str, str] = {}

    def setUp(self) -> None:
        self.folder = cluster_folder(self)
        self.state = self.folder / "state"
        plan = ClusterPlan(self.state, self.gateways, self.business, self.settings)
        self.cluster = Cluster(plan, environment())
        self.addCleanup(self.cluster.stop)
        self.cluster.start()

    def imctl(self, command: str, *argv: str) -> list[dict[str, Any]]:
        """What a command prints at the first node."""
        where = ("--state-dir", str(self.state), "--node", NODE, "--json")
        ended = run(self.folder, command, *where, *argv)
        self.assertEqual(ended.status, 0, ended.err)
        return ended.records
