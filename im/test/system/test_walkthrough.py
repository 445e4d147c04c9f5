"""The walkthrough on a cluster; on one node its commands are run with those of the other pages."""

import shlex
import subprocess

from twisted.trial.unittest import SynchronousTestCase

from im.test.docs_commands import commands
from im.test.system.imctl import environment
from im.test.system.processes import BIN, PATIENCE_SECONDS, ROOT
from im.testing.clusters import Cluster, ClusterPlan
from im.testing.clusters.folders import cluster_folder

PAGES = (ROOT / "docs" / "walkthrough.md", ROOT / "docs" / "walkthrough.zh.md")
STEPS = 9
ON_A_CLUSTER = "var/cluster"


class WalkthroughTests(SynchronousTestCase):
    uses_processes = True

    def test_both_languages_have_the_same_commands(self) -> None:
        english, chinese = ([command.text for command in commands(page)] for page in PAGES)
        self.assertEqual(english, chinese)
        self.assertEqual(len(english), 1 + STEPS)

    def test_every_step_shows_on_a_cluster_what_it_says(self) -> None:
        state = cluster_folder(self) / "state"
        cluster = Cluster(ClusterPlan(state, 2, 1), environment())
        self.addCleanup(cluster.stop)
        cluster.start()
        environ = environment(IM_STATE_DIR=str(state))
        _, *steps = commands(PAGES[0])
        for step in steps:
            _, script, *arguments = shlex.split(step.text)
            given = [str(state) if each == ON_A_CLUSTER else each for each in arguments]
            done = subprocess.run(
                [BIN / "python", script, *given],
                cwd=ROOT,
                env=environ,
                capture_output=True,
                timeout=PATIENCE_SECONDS,
                check=False,
            )
            self.assertEqual(done.returncode, 0, f"{step.text}: {done.stdout.decode()}{done.stderr.decode()}")
