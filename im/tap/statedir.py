"""The state folder of a node: its rights, and `node.json`, by which others find the running node."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

NODE_FILE = "node.json"


class NodeFile(NamedTuple):
    """What a running node tells: `pid`, and where it really listens.

    `listen` holds `tcp://HOST:PORT`, `tls://HOST:PORT` or `unix:PATH`; `http`, `websocket` and
    `admin` are URLs, "" where not served.
    """

    node: str
    pid: int
    version: str
    users: str
    listen: tuple[str, ...]
    http: str
    websocket: str
    admin: str


def make(folder: Path) -> None:
    """Make the folder, for its owner only; one that is there keeps its rights and its files.

    Raises OSError.
    """
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
    probe = folder / f".writable-{os.getpid()}"
    probe.touch(mode=0o600)
    probe.unlink()


def write_node_file(folder: Path, node: NodeFile) -> None:
    """Put `node.json` in place in one step, readable by its owner only."""
    path = folder / NODE_FILE
    half = folder / f".{NODE_FILE}.{os.getpid()}"
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(node._asdict(), file, indent=2)
        file.write("\n")
    half.replace(path)


def read_node_file(folder: Path) -> NodeFile | None:
    """What the node of this folder told last; None if nothing, or nothing that can be read."""
    try:
        told = json.loads((folder / NODE_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(told, Mapping) or any(name not in told for name in NodeFile._fields):
        return None
    fields = {name: told[name] for name in NodeFile._fields}
    return NodeFile(**fields | {"listen": tuple(told["listen"])})


def remove_node_file(folder: Path, pid: int) -> None:
    """Take `node.json` away if it is of the process `pid`."""
    told = read_node_file(folder)
    if told is not None and told.pid == pid:
        (folder / NODE_FILE).unlink(missing_ok=True)
