"""Shows how a phone is reached whose app is away: prints what would be sent to its push service.

    run.py

Starts a node of its own with the hook beside this file. Bob's phone logs in, registers its token and goes to
sleep; alice writes to him. Ends with status 0 when the hook was told of both of her messages.
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

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
ANYWHERE = "tcp:0:interface=127.0.0.1"
PATIENCE = 30.0
SETTINGS = """
users = "open"
listen = ["{anywhere}"]
http = "{anywhere}"
admin = "{anywhere}"
state_dir = "{folder}/node"

[limits]
offline_after_seconds = 1.0

[hooks.mobile_push]
outbox = "{folder}/outbox"
"""


def install(folder: Path) -> str:
    """What `pip install docs/examples/mobile_push` does, but for one process: its PYTHONPATH."""
    project = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
    about = folder / f"im_mobile_push-{project['version']}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    hooks = (f"{name} = {place}\n" for name, place in project["entry-points"]["im.hooks"].items())
    (about / "entry_points.txt").write_text("[im.hooks]\n" + "".join(hooks))
    return os.pathsep.join(filter(None, (str(folder), str(HERE), os.environ.get("PYTHONPATH"))))


async def until(reactor: Any, path: Path, lines: int) -> list[str]:
    """Wait until a file has so many lines."""
    ends_at = time.monotonic() + PATIENCE
    while time.monotonic() < ends_at:
        found = path.read_text().splitlines() if path.exists() else []
        if len(found) >= lines:
            return found
        await deferLater(reactor, 0.05, lambda: None)
    raise SystemExit(f"{path} did not come")


def client(reactor: Any, folder: Path, user: str) -> Client:
    """A client of a user, on the node."""
    environ = {"IM_STATE_DIR": str(folder / "node"), "IM_CLIENT_USER": user}
    made = Client(environment_settings(environ), reactor)
    made.start()
    return made


async def show(reactor: Any, folder: Path) -> None:
    await until(reactor, folder / "node" / "node.json", 1)
    bob, alice = (client(reactor, folder, user) for user in ("bob", "alice"))
    await bob.register_push_token("fcm", "bobs-phone")
    await bob.stop(log_out=False)
    for text in ("are you there?", "it is paid"):
        await alice.send_to("bob", text)
    await alice.stop()
    for line in await until(reactor, folder / "outbox", 2):
        print(line, flush=True)


async def main(reactor: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "im.toml").write_text(SETTINGS.format(anywhere=ANYWHERE, folder=folder))
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
