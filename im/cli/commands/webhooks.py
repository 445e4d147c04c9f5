"""`imctl webhooks`."""

from argparse import Namespace
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

from im.cli.failures import failed, usage
from im.cli.operators import question
from im.cli.output import Output, shown
from im.cli.records import moment
from im.core.events import KINDS

TEST_SECONDS = 20.0
REPLAY_SECONDS = 60.0


def run(arguments: Namespace, output: Output) -> None:
    """List webhooks, make or remove one, try it out, or look after what it did not take."""
    if (arguments.action == "list") is (arguments.what is not None):
        raise usage("name the URL to add, or the id of a webhook; list takes none")
    if arguments.kind and arguments.action != "add":
        raise usage("--kind goes with add")
    _ACTIONS[arguments.action](arguments, output)


def _list(arguments: Namespace, output: Output) -> None:
    for webhook in question(arguments, "/v1/webhooks")["webhooks"]:
        waiting = f"{webhook['pending']} wait, {webhook['dead']} dead"
        output.record(webhook, "  ".join((_line(webhook), waiting)))


def _add(arguments: Namespace, output: Output) -> None:
    body = {"url": arguments.what, "kinds": arguments.kind or [*KINDS]}
    _with_secret(question(arguments, "/v1/webhooks", body), output)


def _remove(arguments: Namespace, output: Output) -> None:
    removed = question(arguments, _path(arguments), method="DELETE")
    output.record(removed, f"{removed['id']}  {shown(removed['url'])}")


def _rotate(arguments: Namespace, output: Output) -> None:
    _with_secret(
        question(arguments, f"{_path(arguments)}/secret", method="POST", seconds=TEST_SECONDS), output
    )


def _test(arguments: Namespace, output: Output) -> None:
    told = question(arguments, f"{_path(arguments)}/test", method="POST", seconds=TEST_SECONDS)
    if not told["is_taken"]:
        raise failed(f"the target did not take it: {told['problem']}", "not_taken")
    output.record(told, "the target took a test event")


def _replay(arguments: Namespace, output: Output) -> None:
    told = question(arguments, f"{_path(arguments)}/replay", method="POST", seconds=REPLAY_SECONDS)
    output.record(told, f"{told['replayed']} dead letters are posted again")


def _dead(arguments: Namespace, output: Output) -> None:
    after = ""
    while True:
        page = question(arguments, f"{_path(arguments)}/dead?{urlencode({'after': after})}")
        for letter in page["letters"]:
            columns = (moment(letter["time_ms"]), letter["id"], letter["kind"], letter["user"] or "-")
            output.record(letter, "  ".join(shown(each) for each in (*columns, letter["problem"])))
        after = page["next"]
        if not after:
            return


def _with_secret(webhook: dict[str, Any], output: Output) -> None:
    output.record(webhook, webhook["secret"])
    output.note(f"webhook {webhook['id']}; its secret is shown this once")


def _line(webhook: dict[str, Any]) -> str:
    return f"{webhook['id']}  {shown(webhook['url'])}  {' '.join(webhook['kinds'])}"


def _path(arguments: Namespace) -> str:
    return f"/v1/webhooks/{quote(arguments.what, safe='')}"


_ACTIONS: dict[str, Callable[[Namespace, Output], None]] = {
    "list": _list,
    "add": _add,
    "remove": _remove,
    "rotate": _rotate,
    "test": _test,
    "replay": _replay,
    "dead": _dead,
}
