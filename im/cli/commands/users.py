"""`imctl users`."""

import json
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from im.cli.admin import TIMEOUT_SECONDS
from im.cli.failures import failed, usage
from im.cli.operators import order, question
from im.cli.output import Output, shown
from im.cli.user_files import users_in

AT_ONCE, BYTES_AT_ONCE = 1_000, 500_000
"""In one request, and as JSON."""

STORE_SECONDS = 30.0


def run(arguments: Namespace, output: Output) -> None:
    """Create, import, show, disable or enable users."""
    if arguments.action != "create" and (arguments.name, arguments.avatar, arguments.field) != (None,) * 3:
        raise usage("a profile is given to `create` only")
    {"create": _create, "import": _import, "show": _show, "disable": _disable, "enable": _enable}[
        arguments.action
    ](arguments, output)


def _create(arguments: Namespace, output: Output) -> None:
    profile = {"name": arguments.name, "avatar": arguments.avatar}
    user = {"user": arguments.what, "fields": _fields(arguments.field or ())}
    made = {**user, **{name: value for name, value in profile.items() if value is not None}}
    refused = _made(arguments, [made])["refused"]
    if refused:
        raise failed(f"refused: {refused[0]['text']}", refused[0]["code"])
    _show(arguments, output)


def _import(arguments: Namespace, output: Output) -> None:
    """Page by page, so that a file of any size is read as it goes."""
    imported = refusals = 0
    for page in _pages(users_in(Path(arguments.what))):
        answer = _made(arguments, page)
        imported += answer["imported"]
        for each in answer["refused"]:
            refusals += 1
            output.record(each, f"{shown(each['user'])}  refused: {shown(each['text'])}")
    output.note(f"{imported} users are there, {refusals} were refused")
    if refusals:
        raise failed(f"{refusals} users were refused", "refused")


def _show(arguments: Namespace, output: Output) -> None:
    profile = question(arguments, f"/v1/users/{quote(arguments.what, safe='')}")
    columns = [profile["user"], profile["name"], profile["avatar"]]
    columns += [f"{name}={value}" for name, value in sorted(profile["fields"].items())]
    output.record(profile, "  ".join(shown(each) for each in columns if each))


def _disable(arguments: Namespace, output: Output) -> None:
    body = {"user": arguments.what}
    order(arguments, output, "/v1/users/disable", body, f"{arguments.what} is disabled")


def _enable(arguments: Namespace, output: Output) -> None:
    body = {"user": arguments.what}
    order(arguments, output, "/v1/users/enable", body, f"{arguments.what} may log in again")


def _made(arguments: Namespace, users: list[Mapping[str, object]]) -> Any:
    seconds = STORE_SECONDS + TIMEOUT_SECONDS
    return question(arguments, "/v1/users/import", {"users": users}, seconds=seconds)


def _pages(users: Iterable[Mapping[str, object]]) -> Iterator[list[Mapping[str, object]]]:
    page: list[Mapping[str, object]] = []
    left = BYTES_AT_ONCE
    for user in users:
        size = len(json.dumps(user))
        if page and (len(page) == AT_ONCE or size > left):
            yield page
            page, left = [], BYTES_AT_ONCE
        page.append(user)
        left -= size
    if page:
        yield page


def _fields(given: Iterable[str]) -> dict[str, str]:
    fields = {}
    for each in given:
        name, is_there, value = each.partition("=")
        if not name or not is_there:
            raise usage(f"{each} is no field: NAME=VALUE")
        fields[name] = value
    return fields
