"""The commands of the pages, as a reader would paste them, in order, beside a node of their own."""

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from twisted.trial.unittest import SynchronousTestCase

from im.cli.keys import local_token
from im.proto.session_pb2 import OnlineMessage
from im.test.docs_commands import Command, commands
from im.test.system.imctl import FREE
from im.test.system.pasting import paste
from im.test.system.processes import PATIENCE_SECONDS, ROOT, Process, ready_node, wait_for
from im.test.test_docs import pages
from im.wire.codec import pack
from im.wire.frames import frame

RUN_ELSEWHERE = {
    ROOT / "CONTRIBUTING.md": "its commands are those that run this test",
    ROOT / "docs" / "hooks.md": "im.test.system.test_word_filter runs it and reads what it prints",
    ROOT / "docs" / "offline.md": "im.test.system.test_mobile_push runs it and reads what it prints",
}
"""Pages whose commands are run by something else: what."""

START = "scripts/run"
BESIDE = ".venv/bin/python docs/examples/echo_bot.py"
"""Goes on while the following commands run."""
WITHOUT_NODE = "scripts/imctl restore copy.sqlite"
WITH_DEVICE = "scripts/imctl logout bob pixel-7"
RELOADS = "scripts/imctl signing-keys rotate"
TESTS = "scripts/test"
FEW_TESTS = "-k im.test.test_docs_commands"
"""Added to the command that runs all tests: this is one of them."""
LINES = b"a line\n"
"""Pasted into what reads its stdin."""
SCRIPT = '#!/bin/sh\nexec "{}" "$@"\n'


def self_sufficient(page: Path) -> list[Command]:
    """The commands of a page that need no more than a clone."""
    return [each for each in commands(page) if not each.needs]


class PageTests(SynchronousTestCase):
    """In a folder that looks like a clone to who pastes; its scripts call the real ones."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        (self.folder / "scripts").mkdir(parents=True)
        for script in (ROOT / "scripts").iterdir():
            stand_in = self.folder / "scripts" / script.name
            stand_in.write_text(SCRIPT.format(script))
            stand_in.chmod(0o755)
        for name in (".venv", "docs"):
            (self.folder / name).symlink_to(ROOT / name)
        self.state = self.folder / "var"
        places = dict.fromkeys(("IM_LISTEN", "IM_HTTP", "IM_ADMIN"), FREE)
        self.environ = {"IM_STATE_DIR": str(self.state), **places}
        self.node: Process | None = None

    def follow(self, page: Path) -> None:
        """Run every command of a page that needs no more than a clone."""
        found = self_sufficient(page)
        began = time.monotonic()
        if START not in [each.text for each in found]:
            self.start_node()
        for command in found:
            self.paste(command)
        print(f"{page.name}: {len(found)} commands in {time.monotonic() - began:.1f} s")

    def paste(self, command: Command) -> None:
        """Run one command, in the way that its page says."""
        if command.text == START:
            self.start_node()
        elif command.text == BESIDE:
            self.start(command.text)
        elif command.text == WITHOUT_NODE:
            self.stop_node()
            self.run_to_its_end(command.text)
            self.start_node()
        else:
            if command.text == WITH_DEVICE:
                self.log_in(*command.text.split()[-2:])
            self.run_to_its_end(command.text)
            if command.text == RELOADS:
                self.reload()

    def reload(self) -> None:
        """Let the node read its keys again."""
        os.kill(self.told.pid, signal.SIGHUP)
        log = self.state / "node.log"
        wait_for(lambda: "were read again" in log.read_text("utf-8"), "the word of it")

    def log_in(self, user: str, device: str) -> None:
        """Let a user have a device."""
        token = local_token(self.state, user, 60.0)
        online = OnlineMessage(min_version=1, max_version=1, token=token, attempt=1)
        online.device_id, online.device_class = device, "phone"
        place = urlsplit(self.told.listen[0])
        with socket.create_connection((place.hostname, place.port), PATIENCE_SECONDS) as connection:
            connection.sendall(frame(pack(online, 1)))
            self.assertTrue(connection.recv(1), "an answer")

    def run_to_its_end(self, text: str) -> None:
        """It must end well."""
        few = f"{text} {FEW_TESTS}" if text.startswith(TESTS) else text
        paste(few, self.environ, self.folder, LINES)

    def start(self, text: str) -> Process:
        """Start what goes on."""
        process = Process(["/bin/sh", "-c", f"exec {text}"], self.folder, **self.environ)
        self.addCleanup(process.end)
        return process

    def start_node(self) -> None:
        self.node = self.start(START)
        self.told = ready_node(self.state, self.node)

    def stop_node(self) -> None:
        assert self.node is not None
        self.node.send(signal.SIGTERM)
        self.assertEqual(self.node.wait(), 0, self.node.err)


def _follows(page: Path) -> Callable[[PageTests], None]:
    return lambda test: test.follow(page)


for _page in pages():
    if self_sufficient(_page) and _page not in RUN_ELSEWHERE:
        _name = "_".join(_page.relative_to(ROOT).with_suffix("").parts)
        setattr(PageTests, f"test_the_commands_of_{_name.replace('.', '_')}", _follows(_page))
