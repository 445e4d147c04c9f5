"""Webhooks as operators and back ends live them: a real node, a real target."""

from collections.abc import Sequence

from im.test.system.imctl import ImctlCase
from im.test.system.webhook_target import Target
from im.test.test_webhooks_page import receivers_check


class WebhookTests(ImctlCase):
    """A node that may post to this machine, and a target."""

    options: Sequence[str] = ("--webhooks-private=true",)

    def setUp(self) -> None:
        self.target = Target()
        self.addCleanup(self.target.end)
        super().setUp()

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
        self.options = ()
        self.start_node()
        ended = self.imctl("webhooks", "test", made["id"])
        self.assertEqual(1, ended.status)
        self.assertIn("private network", ended.err)
        self.assertEqual([], self.target.posted)

    def test_a_wrong_command_line_is_refused(self) -> None:
        for argv in (("add",), ("list", "x"), ("test",), ("test", "x", "--kind", "read")):
            self.assertEqual(2, self.imctl("webhooks", *argv).status, argv)
        self.assertEqual(1, self.imctl("webhooks", "remove", "x").status)


_SHOWN = ("id", "kinds", "pending", "dead")
