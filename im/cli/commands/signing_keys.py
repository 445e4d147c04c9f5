"""`imctl signing-keys`."""

import os
import signal
from argparse import Namespace
from pathlib import Path

from im.adapters.token.keys import KeyRing, retire_key, rotate_key_file
from im.cli.failures import failed, usage
from im.cli.keys import key_file, local_keys
from im.cli.output import Output
from im.cli.place import running_node, state_folder


def run(arguments: Namespace, output: Output) -> None:
    """List the keys that sign and check the local node's tokens, add one that signs, or take one out."""
    if (arguments.action == "retire") is (arguments.kid is None):
        raise usage("signing-keys retire takes the KID of a key; list and rotate take none")
    folder = state_folder(arguments)
    ring = local_keys(folder)
    path = key_file(folder)
    try:
        if arguments.action == "rotate":
            ring = rotate_key_file(path)
        elif arguments.action == "retire":
            ring = retire_key(path, arguments.kid)
    except ValueError as error:
        raise failed(str(error)) from error
    _tell(ring, output)
    if arguments.action != "list":
        _let_read(folder)


def _let_read(folder: Path) -> None:
    """Tell the node that runs here, if it is one: the file of a killed node may name another process."""
    node = running_node(folder)
    if node is not None and b"im-gateway" in Path(f"/proc/{node.pid}/cmdline").read_bytes():
        os.kill(node.pid, signal.SIGHUP)


def _tell(ring: KeyRing, output: Output) -> None:
    for kid in ring.keys:
        signs = kid == ring.active
        output.record({"kid": kid, "signs": signs}, f"{kid}  {'signs and checks' if signs else 'checks'}")
