"""Where a command finds its node: the state folder of a local one, or an address."""

import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from im.cli.failures import failed, unreachable, usage
from im.tap.statedir import NODE_FILE, NodeFile, read_node_file

DEFAULT_FOLDER = Path("var")


def chosen_folder(arguments: Namespace, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The state folder that is meant: by option, by IM_STATE_DIR, else ./var of a node that ran; or None."""
    chosen = arguments.state_dir or environ.get("IM_STATE_DIR")
    if chosen:
        return Path(chosen).expanduser()
    if any((DEFAULT_FOLDER / name).exists() for name in (NODE_FILE, "im.sqlite")):
        return DEFAULT_FOLDER
    return None


def state_folder(arguments: Namespace, environ: Mapping[str, str] = os.environ) -> Path:
    """The state folder of the local node. Raises `Failure` if none is known, or it is not there."""
    folder = chosen_folder(arguments, environ)
    if folder is None:
        raise usage(
            "no local node is known here: name its state folder by --state-dir or IM_STATE_DIR, "
            "or reach a node by --connect and IM_TOKEN"
        )
    if not folder.is_dir():
        raise failed(f"{folder} is no folder; scripts/run --state-dir makes one and starts a node in it")
    return folder


def running_node(folder: Path) -> NodeFile | None:
    """What the node of this folder tells, if its process lives."""
    node = read_node_file(folder)
    return node if node is not None and is_alive(node.pid) else None


def running_nodes(folder: Path) -> list[NodeFile]:
    """The nodes that run in this folder: its own, or those of a cluster, each in a folder of its own."""
    own = running_node(folder)
    if own is not None:
        return [own]
    members = (running_node(each) for each in sorted(folder.iterdir()) if each.is_dir())
    return [each for each in members if each is not None and each.listen]


def node_of(folder: Path, name: str = "") -> NodeFile:
    """The running node of this folder; of a cluster the first, or that of a name. Raises `Failure`."""
    nodes = running_nodes(folder)
    if not nodes:
        raise unreachable(f"no node runs in {folder}; start it with scripts/run --state-dir {folder}")
    chosen = [each for each in nodes if name in ("", each.node)]
    if not chosen:
        raise unreachable(f"no node {name} runs in {folder}; there are {', '.join(n.node for n in nodes)}")
    return chosen[0]


def is_alive(pid: int) -> bool:
    """Whether a process of this id lives."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
