"""Webhooks as operators and back ends live them: a real node, a real target."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from im.test.system.imctl import FREE, Ended, run
from im.test.system.processes import BIN, Process, ready_node
from im.test.system.webhook_target import Target
from im.test.test_webhooks_page import receivers_check


class WebhookCase(SynchronousTestCase):
    """A node that may post to this machine, and a target."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.state = self.folder / "state"
        self.target = Target()
        self.addCleanup(self.target.end)
        self.pid = 0
        self.start()

    def start(self, is_private: bool = True) -> None:
        """Start a node, after another one of the same state that has ended."""
        options = [f"--state-dir={self.state}", f"--listen={FREE}", f"--http={FREE}", f"--admin={FREE}"]
        private = ["--webhooks-private=true"] if is_private else []
        twistd: list[str | Path] = [BIN / "twistd", "-n", "--pidfile=", "im-gateway", "--users=open"]
        self.node = Process([*twistd, *options, *private], self.folder)
        self.addCleanup(self.node.end)
        self.pid = ready_node(self.state, self.node, self.pid).pid

    def imctl(self, *argv: str) -> Ended:
        return run(self.folder, *argv, IM_STATE_DIR=str(self.state))

    def ok(self, *argv: str) -> Ended:
        ended = self.imctl(*argv)
        self.assertEqual((0, ""), (ended.status, ended.err), argv)
        return ended


class ImctlTests(WebhookCase):
    def test_one_is_added_tried_out_shown_and_removed(self) -> None:
        made = self.ok("webhooks", "add", self.target.url, "--kind", "read", "--json").record
        self.ok("webhooks", "test", made["id"])
        (posted,) = self.target.posted
        self.assertEqual("test", posted.event["kind"])
        self.assertTrue(receivers_check()(made["secret"], posted.headers, posted.body))
        shown = self.ok("webhooks", "list", "--json").record
        self.assertEqual((made["id"], ["read"], 0, 0), tuple(shown[key] for key in _SHOWN))
        rotated = self.ok("webhooks", "rotate", made["id"], "--json").record
        self.assertNotEqual(made["secret"], rotated["secret"])
        self.assertEqual({"replayed": 0}, self.ok("webhooks", "replay", made["id"], "--json").record)
        self.assertEqual("", self.ok("webhooks", "dead", made["id"]).out)
        self.ok("webhooks", "remove", made["id"])
        self.assertEqual("", self.ok("webhooks", "list").out)

    def test_a_target_that_takes_no_test_is_told(self) -> None:
        made = self.ok("webhooks", "add", self.target.url, "--json").record
        self.target.status = 307
        ended = self.imctl("webhooks", "test", made["id"])
        self.assertEqual(1, ended.status)
        self.assertIn("HTTP status 307", ended.err)

    def test_without_the_setting_nothing_on_this_machine_is_posted_to(self) -> None:
        made = self.ok("webhooks", "add", self.target.url, "--json").record
        self.node.end()
        self.start(is_private=False)
        ended = self.imctl("webhooks", "test", made["id"])
        self.assertEqual(1, ended.status)
        self.assertIn("private network", ended.err)
        self.assertEqual([], self.target.posted)

    def test_a_wrong_command_line_is_refused(self) -> None:
        for argv in (("add",), ("list", "x"), ("test",), ("test", "x", "--kind", "read")):
            self.assertEqual(2, self.imctl("webhooks", *argv).status, argv)
        self.assertEqual(1, self.imctl("webhooks", "remove", "x").status)


_SHOWN = ("id", "kinds", "pending", "dead")
