"""Settings of a client program that was told nothing: beside a local node it needs no variable."""

import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from im.cli.devices import file_stem
from im.cli.failures import Failure
from im.cli.place import chosen_folder
from im.client.environment import NoSettingsError
from im.client.settings import ClientSettings
from im.client.sqlite_state import SqliteState
from im.core.ids import id_problem

_SUFFIXES = ("_bot", "-bot")


def local_settings(environ: Mapping[str, str]) -> ClientSettings | None:
    """Settings for the node of the state folder that IM_STATE_DIR names, else ./var; None without one.

    The user is `IM_CLIENT_USER`, else the program's file name, without `_bot` at its end. What must
    survive is kept in the state folder, unless `IM_CLIENT_STATE` names a file.
    Raises `NoSettingsError` if no node runs there, or its key cannot be used.
    """
    told_nothing = Namespace(connect="", state_dir="", token="", ca_file="", user="", node="")
    if chosen_folder(told_nothing, environ) is None:
        return None
    from im.cli.access import access  # needs the server's packages; who is elsewhere may lack them

    user = told_nothing.user = environ.get("IM_CLIENT_USER", "") or program_user(sys.argv[0])
    try:
        found = access(told_nothing, environ)
    except Failure as failure:
        raise NoSettingsError(failure.text) from failure
    state = environ.get("IM_CLIENT_STATE", "")
    if not state:
        found.devices.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = str(found.devices / f"{file_stem(user)}~bot.sqlite")
    return ClientSettings(
        addresses=found.addresses, token=found.token, state=SqliteState(state), ca_file=found.ca_file
    )


def program_user(program: str) -> str:
    """The user that a program is by its file name. Raises `NoSettingsError` if it cannot be one."""
    name = Path(program).stem
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    if name.startswith("-") or id_problem(name, "user"):
        raise NoSettingsError("set IM_CLIENT_USER to the user that this program is to be")
    return name
