"""The walkthrough on a cluster; on one node its commands are run with those of the other pages."""

from twisted.trial.unittest import SynchronousTestCase

from im.test.docs_commands import commands
from im.test.system.cluster_case import ClusterCase
from im.test.system.pasting import paste
from im.test.system.processes import ROOT

PAGES = (ROOT / "docs" / "walkthrough.md", ROOT / "docs" / "walkthrough.zh.md")
STEPS = 9
ON_A_CLUSTER = "var/cluster"


class PageTests(SynchronousTestCase):
    def test_both_languages_have_the_same_commands(self) -> None:
        english, chinese = ([command.text for command in commands(page)] for page in PAGES)
        self.assertEqual(english, chinese)
        self.assertEqual(len(english), 1 + STEPS)


class WalkthroughTests(ClusterCase):
    gateways = 2

    def test_every_step_shows_on_a_cluster_what_it_says(self) -> None:
        _, *steps = commands(PAGES[0])
        for step in steps:
            paste(step.text.replace(ON_A_CLUSTER, str(self.state)), {"IM_STATE_DIR": str(self.state)})
