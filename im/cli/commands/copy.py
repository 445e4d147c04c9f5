"""`imctl copy`."""

from argparse import Namespace
from pathlib import Path

from im.cli.database import cluster_database, sql
from im.cli.failures import usage
from im.cli.output import Output

_SQLITE = "sqlite:///"


def run(arguments: Namespace, output: Output) -> None:
    """Copy a node's database into a cluster's; the node must not run."""
    from im.adapters.sql.copying import Copied, copy

    source = arguments.source
    if not source.startswith(_SQLITE):
        raise usage(f"--from must be the database of a node, {_SQLITE}PATH")

    def tell(copied: Copied) -> None:
        output.record(copied._asdict(), f"{copied.table}: {copied.rows} rows, checksum {copied.checksum}")

    with sql():
        copy(Path(source.removeprefix(_SQLITE)), cluster_database(arguments.target), tell)
