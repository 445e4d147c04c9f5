"""A phone that is away: the example by its command, and kill -9 of the node at every step."""

import json
import runpy
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from im.test.docs_commands import commands
from im.test.system.imctl import FREE, ImctlCase
from im.test.system.pasting import paste
from im.test.system.processes import BIN, ROOT, Process, wait_for

EXAMPLE = ROOT / "docs" / "examples" / "mobile_push"
PHONE = """
import os
from twisted.internet.defer import Deferred
from twisted.internet.task import react
from im.client import Client, environment_settings

async def main(reactor):
    bob = Client(environment_settings(os.environ), reactor)
    bob.start()
    await bob.register_push_token("apns", "bobs-phone")
    await bob.stop(log_out=False)

react(lambda reactor: Deferred.fromCoroutine(main(reactor)))
"""


class ExampleTests(SynchronousTestCase):
    def test_it_prints_what_would_be_sent(self) -> None:
        (command,) = commands(ROOT / "docs" / "offline.md")
        messages = [each["body"]["message"] for each in paste(command.text).records]
        self.assertEqual(["bobs-phone"] * 2, [each["token"] for each in messages])
        self.assertEqual(
            ["are you there?", "it is paid"], [each["notification"]["body"] for each in messages]
        )
        self.assertEqual([2, 2], [each["android"]["notification"]["notification_count"] for each in messages])


class KillTests(ImctlCase):
    def prepare(self) -> None:
        self.outbox = self.folder / "outbox"
        config = self.folder / "im.toml"
        names: dict[str, Any] = runpy.run_path(str(EXAMPLE / "run.py"))
        config.write_text(names["SETTINGS"].format(anywhere=FREE, folder=self.folder))
        self.options = (f"--config={config}",)
        self.environ = {"PYTHONPATH": names["install"](self.folder)}

    def setUp(self) -> None:
        super().setUp()
        phone: list[str | Path] = [BIN / "python", "-c", PHONE]
        client = {"IM_STATE_DIR": str(self.state), "IM_CLIENT_USER": "bob"}
        process = Process(phone, self.folder, **client, **self.environ)
        self.addCleanup(process.end)
        self.assertEqual(0, process.wait(), process.err)

    def kill(self) -> None:
        """kill -9, and another one on the same tables."""
        self.node.end()
        self.start_node()

    def pushed(self) -> list[tuple[str, int]]:
        """Text and badge of what was sent."""
        lines = self.outbox.read_text().splitlines() if self.outbox.is_file() else []
        sent = [json.loads(line)["body"]["aps"] for line in lines]
        return [(each["alert"]["body"], each["badge"]) for each in sent]

    def test_nothing_is_lost_and_what_was_told_is_not_told_again(self) -> None:
        self.send("alice", "bob", "stored")
        self.kill()  # before its time
        wait_for(lambda: self.pushed() == [("stored", 1)], "the first push")
        self.send("alice", "bob", "told")
        wait_for(lambda: self.pushed()[1:] == [("told", 2)], "the second push")
        sent = self.outbox.read_bytes()
        self.outbox.unlink()
        self.outbox.mkdir()  # so that the hook fails
        self.send("alice", "bob", "at it")
        wait_for(lambda: "mobile_push failed" in self.node.out + self.node.err, "the hook at it")
        self.outbox.rmdir()
        self.outbox.write_bytes(sent)
        self.kill()
        wait_for(lambda: self.pushed()[2:] == [("at it", 3)], "the third push")
        self.kill()
        self.send("alice", "bob", "last")
        wait_for(lambda: self.pushed()[3:] == [("last", 4)], "the last push")
