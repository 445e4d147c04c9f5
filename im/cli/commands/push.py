"""`imctl push`."""

import json
from argparse import Namespace
from typing import Any

from im.cli.admin import TIMEOUT_SECONDS
from im.cli.failures import usage
from im.cli.operators import question
from im.cli.output import Output, shown

STORE_SECONDS = 60.0


def run(arguments: Namespace, output: Output) -> None:
    """Push one event, and show what became of it."""
    users: list[str] = [*(arguments.to or ())]
    event = arguments.event
    if event is None and len(users) > 1:
        event = users.pop()  # `--to USER… TEXT`: the option took the text for one more user
    if event is None:
        raise usage("say what to push: a text, or JSON")
    body: dict[str, Any] = {"event": _event(event), "collapse_key": arguments.collapse_key}
    body |= {"everyone": True} if arguments.everyone else {"to": users}
    if arguments.ttl is not None:
        body["ttl_seconds"] = arguments.ttl
    body |= {"signal": arguments.signal, "wait": arguments.wait, "wait_seconds": arguments.timeout}
    seconds = STORE_SECONDS + arguments.timeout + TIMEOUT_SECONDS
    answer = question(arguments, "/v1/push", body, seconds=seconds)
    output.record(answer, "\n".join(_lines(answer, arguments.signal)))


def _event(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _lines(answer: dict[str, Any], is_signal: bool) -> list[str]:
    if is_signal:
        lines = [f"sent to {answer['online']} who are online; {answer['offline']} are not"]
    else:
        lines = [f"push {answer['id']} is in {answer['stored']} inboxes"]
    for user in answer["users"]:
        for device in user["devices"]:
            columns = (user["user"], device["device_class"], device["device"], device["state"])
            lines.append("  ".join(shown(each) for each in columns))
    return [*lines, *(f"unknown: {shown(user)}" for user in answer["unknown"])]
