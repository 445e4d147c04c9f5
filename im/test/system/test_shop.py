"""What users, friends and merchants of a shop do, on one node and on a cluster of two."""

from pathlib import Path

from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from im.test.faults.clusters import FaultyCluster
from im.test.faults.nodes import FaultyNode, Served
from im.test.markdown import block
from im.test.system.absence import absent_and_back
from im.test.system.cast import Cast
from im.test.system.processes import ROOT
from im.test.system.scenes import friends_away, friends_online, user_and_merchant
from im.testing.clusters.folders import cluster_folder

PAGE = ROOT / "docs" / "hooks.md"
IMPORTS = "from im.hook import Hook, HookContext, Stranger\n\n\n"


def install(folder: Path) -> str:
    """The hook of the page, installed in a folder; the PYTHONPATH with which it is found."""
    about = folder / "im_counter-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: im-counter\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[im.hooks]\ncounter = im_counter:Counter\n")
    (folder / "im_counter.py").write_text(IMPORTS + block(PAGE, "python", 1))
    return str(folder)


class ShopCase(TestCase):
    """Strangers write to each other where the hook says so."""

    uses_processes = True
    timeout = 180

    def setUp(self) -> None:
        self.folder = cluster_folder(self)
        self.environ = {"PYTHONPATH": install(self.folder / "hooks"), "IM_DIRECT": "hook"}

    def cast(self, served: Served) -> Cast:
        """Whoever plays; they go when the test ends."""
        cast = Cast(reactor, served)
        self.addCleanup(cast.leave)
        return cast


class NodeTests(ShopCase):
    async def setUp(self) -> None:  # type: ignore[override]
        super().setUp()
        node = FaultyNode(reactor, self.folder / "node", 0, **self.environ)
        self.addCleanup(node.end)
        node.start()
        await node.ready()
        self.players = self.cast(node)

    async def test_a_friend_and_their_greeting_come_at_once(self) -> None:
        await friends_online(self, self.players)

    async def test_a_request_and_a_greeting_wait_for_who_is_away(self) -> None:
        await friends_away(self, self.players)

    async def test_a_customer_writes_to_a_merchant_and_to_nobody_else(self) -> None:
        await user_and_merchant(self, self.players)

    async def test_who_was_absent_for_ten_thousand_messages_has_all_of_them(self) -> None:
        await absent_and_back(self, self.players)


class ClusterTests(ShopCase):
    async def test_all_of_it_is_so_on_a_cluster(self) -> None:
        cluster = FaultyCluster(reactor, self.folder / "state", 2, 2, **self.environ)
        self.addCleanup(lambda: deferToThread(cluster.stop))
        await deferToThread(cluster.start)
        players = self.cast(cluster)
        for scene in (friends_online, friends_away, user_and_merchant, absent_and_back):
            await scene(self, players)
        self.assertEqual(await deferToThread(cluster.unread_differences), [])
