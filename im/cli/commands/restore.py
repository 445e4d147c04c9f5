"""`imctl restore`."""

from argparse import Namespace
from pathlib import Path

from im.cli.database import database_of, sql
from im.cli.failures import failed
from im.cli.output import Output
from im.cli.place import running_node, state_folder


def run(arguments: Namespace, output: Output) -> None:
    """Put a copy back under a new store epoch; the node must not run."""
    from im.adapters.sql.sqlite import restore

    folder, file = state_folder(arguments), Path(arguments.file)
    node = running_node(folder)
    if node is not None:
        raise failed(f"the node runs (process {node.pid}); stop it first, then restore")
    with sql():
        restore(database_of(folder), file)
    output.record({"file": str(file), "restored": True}, f"{file} is restored; start the node again")
