"""Tests of `im.tap.supervisor` and `im.tap.welcome`: what it decides; what it does is in system tests."""

from itertools import islice
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from im.tap import welcome
from im.tap.statedir import NodeFile
from im.tap.supervisor import ANY_FREE_PORT, ROOT, Plan, delays, read_plan

TOLD = NodeFile(
    "node-1",
    1,
    "0.1.0",
    "open",
    ("tcp:127.0.0.1:40001", "unix:/s"),
    "http://127.0.0.1:40002",
    "ws://127.0.0.1:40002/ws",
    "http://127.0.0.1:40003",
)


class PlanTests(SynchronousTestCase):
    def test_without_options_the_node_has_its_own_defaults_and_var(self) -> None:
        self.assertEqual(read_plan([], {}), Plan(ROOT / "var"))

    def test_with_listen_the_others_have_free_ports(self) -> None:
        plan = read_plan(["--listen", "tcp:1", "--listen", "tcp:2"], {})
        self.assertEqual(plan, Plan(ROOT / "var", ("tcp:1", "tcp:2"), ANY_FREE_PORT, ANY_FREE_PORT))

    def test_what_is_named_is_not_free(self) -> None:
        plan = read_plan(["--listen=tcp:1", "--http=tcp:3"], {"IM_ADMIN": "tcp:4", "IM_STATE_DIR": "/s"})
        self.assertEqual(plan, Plan(Path("/s"), ("tcp:1",), "tcp:3", ""))

    def test_an_option_goes_before_the_variable(self) -> None:
        self.assertEqual(read_plan(["--state-dir=/a"], {"IM_STATE_DIR": "/b"}).state_dir, Path("/a"))

    def test_the_command_says_what_was_planned(self) -> None:
        command = Plan(Path("/s"), ("tcp:1", "tcp:2"), "tcp:3", "tcp:4").command()
        self.assertEqual(
            command[-10:],
            "--state-dir /s --listen tcp:1 --listen tcp:2 --http tcp:3 --admin tcp:4".split(),
        )
        self.assertEqual(Plan(Path("/s")).command()[-3:], ["im-gateway", "--state-dir", "/s"])

    def test_a_restart_keeps_the_ports_that_were_free(self) -> None:
        plan = Plan(Path("/s"), ("tcp:0:interface=127.0.0.1", "unix:/s"), ANY_FREE_PORT, "tcp:9")
        self.assertEqual(
            plan.pinned(TOLD),
            Plan(
                Path("/s"),
                ("tcp:40001:interface=127.0.0.1", "unix:/s"),
                "tcp:40002:interface=127.0.0.1",
                "tcp:9",
            ),
        )

    def test_waits_double_up_to_a_bound(self) -> None:
        self.assertEqual(list(islice(delays(), 6)), [0.5, 1.0, 2.0, 4.0, 8.0, 8.0])


class WelcomeTests(SynchronousTestCase):
    def test_it_begins_with_ready_and_holds_the_real_addresses(self) -> None:
        text = welcome.text(TOLD, ROOT / "var", ROOT)
        self.assertEqual(text.splitlines()[0], "ready")
        for address in (
            *TOLD.listen,
            TOLD.http,
            TOLD.admin,
            str(ROOT / "var"),
            "SQLite, nothing else needed",
        ):
            self.assertIn(address, text)

    def test_what_is_not_served_is_not_shown(self) -> None:
        self.assertNotIn("HTTP", welcome.text(TOLD._replace(http="", websocket=""), ROOT / "var", ROOT))

    def test_its_three_lines_need_nothing_with_the_default_folder(self) -> None:
        lines = welcome.text(TOLD, ROOT / "var", ROOT).splitlines()[-3:]
        self.assertTrue(lines[0].endswith("imctl chat --as alice --to bob"), lines)
        self.assertTrue(lines[1].endswith("imctl chat --as bob --to alice"), lines)

    def test_its_three_lines_name_another_folder(self) -> None:
        for line in welcome.text(TOLD, Path("/a b"), ROOT).splitlines()[-3:]:
            self.assertIn("--state-dir '/a b'", line)
