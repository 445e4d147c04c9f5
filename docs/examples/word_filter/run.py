"""Shows the word filter beside this file at work: prints what bob reads, and what alice is told.

    run.py

Starts a node of its own with the hook, and lets alice write three messages to bob.
"""

import os
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react

from im.client import Client, environment_settings
from im.client.errors import PermissionDeniedError
from im.core.ids import direct_conversation

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
PATIENCE = 30.0
SETTINGS = """
users = "open"
listen = ["tcp:0:interface=127.0.0.1"]
http = ""
admin = ""
state_dir = "{folder}/node"

[hooks.word_filter]
masked = ["darn", "该死"]
refused = ["cheap pills"]
"""


def install(folder: Path) -> str:
    """What `pip install docs/examples/word_filter` does, but for one process: its PYTHONPATH."""
    project = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
    about = folder / f"im_word_filter-{project['version']}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    hooks = (f"{name} = {place}\n" for name, place in project["entry-points"]["im.hooks"].items())
    (about / "entry_points.txt").write_text("[im.hooks]\n" + "".join(hooks))
    return os.pathsep.join(filter(None, (str(folder), str(HERE), os.environ.get("PYTHONPATH"))))


def client(reactor: Any, folder: Path, user: str) -> Client:
    """A client of a user, on the node."""
    environ = {"IM_STATE_DIR": str(folder / "node"), "IM_CLIENT_USER": user}
    made = Client(environment_settings(environ), reactor)
    made.start()
    return made


async def show(reactor: Any, folder: Path) -> None:
    ends_at = time.monotonic() + PATIENCE
    while not (folder / "node" / "node.json").exists():
        if time.monotonic() > ends_at:
            raise SystemExit(f"the node did not start: {(folder / 'log').read_text()}")
        await deferLater(reactor, 0.05, lambda: None)
    alice, bob = (client(reactor, folder, user) for user in ("alice", "bob"))
    for text in ("hello", "Darn, 该死!", "buy cheap pills"):
        try:
            await alice.send_to("bob", text)
        except PermissionDeniedError as error:
            print("alice is told:", error)
    page = await bob.history(direct_conversation("alice", "bob"))
    for message in page.messages:
        print("bob reads:", message.text)
    for each in (alice, bob):
        await each.stop()


async def main(reactor: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "im.toml").write_text(SETTINGS.format(folder=folder))
        command = (BIN / "twistd", "-n", "--pidfile=", "im-gateway", f"--config={folder / 'im.toml'}")
        environ = {key: value for key, value in os.environ.items() if not key.startswith("IM_")}
        with (folder / "log").open("wb") as log:
            node = subprocess.Popen(
                command, env=environ | {"PYTHONPATH": install(folder)}, stdout=log, stderr=log
            )
        try:
            await show(reactor, folder)
        finally:
            node.terminate()
            node.wait()


if __name__ == "__main__":
    react(lambda reactor: Deferred.fromCoroutine(main(reactor)))
