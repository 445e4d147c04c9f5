"""`imctl backup`."""

from argparse import Namespace
from pathlib import Path

from im.cli.database import database_of, sql
from im.cli.output import Output
from im.cli.place import state_folder


def run(arguments: Namespace, output: Output) -> None:
    """Copy the local node's database; the node may run."""
    from im.adapters.sql.sqlite import backup

    file = Path(arguments.file)
    with sql():
        backup(database_of(state_folder(arguments)), file)
    size = file.stat().st_size
    output.record({"file": str(file), "bytes": size}, f"{file}: {size} bytes")
