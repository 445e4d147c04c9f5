"""`imctl migrate`."""

from argparse import Namespace

from im.cli.database import cluster_database, sql
from im.cli.failures import failed
from im.cli.output import Output


def run(arguments: Namespace, output: Output) -> None:
    """Make or migrate the tables of a cluster's database, or check whether that is to be done."""
    from im.adapters.sql.postgres import PostgresDatabase, migrate
    from im.adapters.sql.schema import SCHEMA_VERSION

    url = cluster_database(arguments.database)
    with sql():
        before = PostgresDatabase(url).check() if arguments.check else migrate(url, arguments.partitions)
    record = {"version": before if arguments.check else max(before, SCHEMA_VERSION), "needs": SCHEMA_VERSION}
    if not arguments.check:
        was = f"they were of version {before}" if before else "they are new"
        output.record(record, f"the tables are of version {record['version']}; {was}")
    elif before < SCHEMA_VERSION:
        has = f"the tables are of version {before}" if before else "there are no tables"
        raise failed(f"{has}, and this version needs {SCHEMA_VERSION}: run imctl migrate")
    else:
        output.record(record, f"the tables are of version {before}, ready for this version")
