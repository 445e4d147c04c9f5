"""`imctl keys`."""

from argparse import Namespace
from typing import Any
from urllib.parse import quote

from im.cli.failures import usage
from im.cli.operators import question
from im.cli.output import Output, shown


def run(arguments: Namespace, output: Output) -> None:
    """Create, list or revoke the keys of back ends."""
    if (arguments.action == "list") is (arguments.name is not None):
        raise usage("name the new key, or the id of the one to revoke; list takes no name")
    {"create": _create, "list": _list, "revoke": _revoke}[arguments.action](arguments, output)


def _create(arguments: Namespace, output: Output) -> None:
    body = {"name": arguments.name, "scopes": arguments.scope or ["push"]}
    made = question(arguments, "/v1/keys", body)
    output.record(made, made["key"])
    output.note(f"key {made['id']}, for {' '.join(made['scopes'])}; it is shown this once")


def _list(arguments: Namespace, output: Output) -> None:
    for key in question(arguments, "/v1/keys")["keys"]:
        _show(key, output)


def _revoke(arguments: Namespace, output: Output) -> None:
    _show(question(arguments, f"/v1/keys/{quote(arguments.name, safe='')}", method="DELETE"), output)


def _show(key: dict[str, Any], output: Output) -> None:
    state = "revoked" if key["revoked_ms"] else "good"
    output.record(key, f"{key['id']}  {state}  {shown(key['name'])}  {' '.join(key['scopes'])}")
