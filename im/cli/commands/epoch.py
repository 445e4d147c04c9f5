"""`imctl epoch`."""

from argparse import Namespace

from im.cli.database import cluster_database, sql
from im.cli.output import Output


def run(arguments: Namespace, output: Output) -> None:
    """Begin a new store epoch in a cluster's database, after a restore or a promotion."""
    from im.adapters.sql.postgres import renew_epoch

    with sql():
        renew_epoch(cluster_database(arguments.database))
    output.record({"renewed": True}, "a new store epoch has begun; clients sync anew")
