"""`imctl presence`."""

from argparse import Namespace
from typing import Any

from im.cli.operators import question
from im.cli.output import Output, shown
from im.cli.seen import seen

AT_ONCE = 1_000


def run(arguments: Namespace, output: Output) -> None:
    """Show who of some users is online, and when the others were seen last."""
    users = list(dict.fromkeys(arguments.users))
    for start in range(0, len(users), AT_ONCE):
        page = users[start : start + AT_ONCE]
        for each in question(arguments, "/v1/presence", {"users": page})["users"]:
            _show(each, output)


def _show(presence: dict[str, Any], output: Output) -> None:
    devices = [(each["device_class"], each["app_state"]) for each in presence["devices"]]
    output.record(presence, f"{shown(presence['user'])}  {seen(devices, presence['last_seen_ms'])}")
