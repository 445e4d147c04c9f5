"""Real clients that die, freeze and come back: what one who watches is told of it."""

import json
import signal
import time
from typing import Any

from im.test.system.imctl import ImctlCase, Live
from im.test.system.processes import wait_for

HEARTBEAT, GRACE = 1.0, 3.0


class PresenceTests(ImctlCase):
    options = (
        "--presence=everyone",
        f"--heartbeat-seconds={HEARTBEAT}",
        f"--presence-grace-seconds={GRACE}",
    )

    def setUp(self) -> None:
        super().setUp()
        self.bob = Live(self, "tail", "--as", "bob", "--timeout", "60")
        self.wait_for_bob(True)
        self.alice = Live(self, "chat", "--as", "alice", "--to", "bob", "--json")
        self.wait_for_told([True])

    def told_of_bob(self) -> list[dict[str, Any]]:
        """What alice was told of bob, in order."""
        records = [json.loads(line) for line in self.alice.out.splitlines() if line.endswith("}")]
        return [each for each in records if each["event"] == "presence"]

    def wait_for_told(self, states: list[bool]) -> None:
        wait_for(lambda: len(self.told_of_bob()) >= len(states), f"{states} in {self.alice.out}")
        self.assertEqual([each["online"] for each in self.told_of_bob()], states)

    def wait_for_bob(self, is_online: bool) -> None:
        """Wait until the ledger says so."""

        def is_so() -> bool:
            return bool(self.ok("presence", "bob", "--json").record["online"]) is is_online

        wait_for(is_so, f"bob online: {is_online}")

    def test_a_client_that_is_frozen_is_told_offline_after_its_heartbeat_and_the_grace(self) -> None:
        began, began_ms = time.monotonic(), time.time_ns() // 1_000_000
        self.bob.process.send_signal(signal.SIGSTOP)
        self.wait_for_told([True, False])
        self.assertGreater(time.monotonic() - began, GRACE + HEARTBEAT / 2)
        self.assertLess(abs(self.told_of_bob()[1]["last_seen_ms"] - began_ms), 1_500 * HEARTBEAT)

    def test_a_reconnect_within_the_grace_is_not_told(self) -> None:
        self.bob.process.kill()
        self.bob.process.wait()
        self.wait_for_bob(False)
        again = Live(self, "tail", "--as", "bob", "--timeout", "61")
        self.wait_for_bob(True)
        again.process.kill()
        self.wait_for_told([True, False])  # of the second end, after its own grace
