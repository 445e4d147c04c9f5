"""Real clients that die, freeze and come back: what one who watches is told of it."""

import json
import signal
import time
from pathlib import Path
from typing import Any

from im.test.system.imctl import FREE, ImctlCase, Live
from im.test.system.processes import BIN, Process, ready_node, wait_for

HEARTBEAT, GRACE = 1.0, 3.0


class PresenceTests(ImctlCase):
    def setUp(self) -> None:
        super().setUp()
        self.node.end()
        places = dict.fromkeys(("IM_LISTEN", "IM_HTTP", "IM_ADMIN"), FREE)
        settings = {
            "IM_STATE_DIR": str(self.state),
            "IM_USERS": "open",
            "IM_PRESENCE": "everyone",
            "IM_HEARTBEAT_SECONDS": str(HEARTBEAT),
            "IM_PRESENCE_GRACE_SECONDS": str(GRACE),
        }
        twistd: list[str | Path] = [BIN / "twistd", "-n", "--pidfile=", "im-gateway"]
        old = self.node.pid
        self.node = Process(twistd, self.folder, **places, **settings)
        self.addCleanup(self.node.end)
        ready_node(self.state, self.node, not_pid=old)
        self.bob = Live(self, "tail", "--as", "bob", "--timeout", "60")
        self.wait_for_bob(True)
        self.alice = Live(self, "chat", "--as", "alice", "--to", "bob", "--json")
        self.wait_for_told([True])

    def told(self) -> list[dict[str, Any]]:
        """What alice was told of bob, in order."""
        records = [json.loads(line) for line in self.alice.out.splitlines() if line.endswith("}")]
        return [each for each in records if each["event"] == "presence"]

    def wait_for_told(self, states: list[bool]) -> None:
        wait_for(lambda: len(self.told()) >= len(states), f"{states} in {self.alice.out}")
        self.assertEqual([each["online"] for each in self.told()], states)

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
        self.assertLess(abs(self.told()[1]["last_seen_ms"] - began_ms), 1_500 * HEARTBEAT)

    def test_a_reconnect_within_the_grace_is_not_told(self) -> None:
        self.bob.process.kill()
        self.bob.process.wait()
        self.wait_for_bob(False)
        again = Live(self, "tail", "--as", "bob", "--timeout", "61")
        self.wait_for_bob(True)
        again.process.kill()
        self.wait_for_told([True, False])  # of the second end, after its own grace
