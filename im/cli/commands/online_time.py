"""`imctl online-time`."""

import csv
from argparse import Namespace
from typing import Any
from urllib.parse import quote, urlencode

from im.cli.admin import ask
from im.cli.failures import usage
from im.cli.keys import local_token
from im.cli.output import Output, shown
from im.cli.place import node_of, state_folder

TOKEN_SECONDS = 3_600.0

COLUMNS = (
    "start",
    "device_class",
    "online_seconds",
    "online_error_seconds",
    "foreground_seconds",
    "foreground_error_seconds",
)


def run(arguments: Namespace, output: Output) -> None:
    """Show how long a user was online, or everyone."""
    if (arguments.user is None) is not arguments.everyone:
        raise usage("name a USER, or --all")
    if arguments.csv and output.is_json:
        raise usage("--csv and --json are two forms; choose one")
    folder = state_folder(arguments)
    node, token = (
        node_of(folder, arguments.node or ""),
        local_token(folder, "imctl", TOKEN_SECONDS, is_admin=True),
    )
    asked = {"from": arguments.first, "to": arguments.last, "by": arguments.by, "zone": arguments.zone}
    query = {name: value for name, value in asked.items() if value}
    if arguments.csv:
        csv.writer(output.out, lineterminator="\n").writerow(("user", "zone", *COLUMNS))
    if arguments.user is not None:
        path = f"/v1/users/{quote(arguments.user, safe='')}/online-time?{urlencode(query)}"
        _show(ask(node, path, token).accepted(), arguments.csv, output)
        return
    after = None
    while after != "":
        page = ask(node, f"/v1/online-time?{urlencode(query | {'after': after or ''})}", token).accepted()
        for report in page["users"]:
            _show(report, arguments.csv, output)
        after = page["next"]


def _show(report: Any, is_csv: bool, output: Output) -> None:
    for row in report["online_time"]:
        cells = [row[name] for name in COLUMNS]
        if is_csv:
            line = (report["user"], report["zone"], *cells)
            csv.writer(output.out, lineterminator="\n").writerow(line)
            continue
        start, device_class, *times = cells
        online, online_error, foreground, foreground_error = (f"{each:.1f}" for each in times)
        output.record(
            {"user": report["user"], "zone": report["zone"], **row},
            f"{shown(report['user'])}  {start}  {device_class:7}  online {online} ± {online_error} s"
            f"  foreground {foreground} ± {foreground_error} s",
        )
