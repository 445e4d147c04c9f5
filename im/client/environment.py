"""Where a program that was told nothing finds its node and token: in its environment."""

from collections.abc import Mapping
from importlib.metadata import entry_points

from im.client.errors import ClientError
from im.client.memory_state import MemoryState
from im.client.settings import ClientSettings
from im.client.sqlite_state import SqliteState

SETTINGS_GROUP = "im.client_settings"
"""Entry points that find a local node: callables from the environment to `ClientSettings` or None."""


class NoSettingsError(ClientError):
    """The environment does not say where to connect."""


def environment_settings(environ: Mapping[str, str]) -> ClientSettings:
    """Settings from `IM_CONNECT` (addresses, separated by commas) and `IM_TOKEN`.

    `IM_CLIENT_STATE` names the file that keeps what must survive; without it that is memory.
    Without `IM_CONNECT` the entry points of `im.client_settings` are asked, in the order of their
    names. Raises `NoSettingsError`.
    """
    addresses = tuple(each.strip() for each in environ.get("IM_CONNECT", "").split(",") if each.strip())
    if addresses:
        token = environ.get("IM_TOKEN", "")
        if not token:
            raise NoSettingsError("IM_CONNECT says where to connect; set IM_TOKEN, too")
        path = environ.get("IM_CLIENT_STATE", "")
        state = SqliteState(path) if path else MemoryState()
        return ClientSettings(addresses=addresses, token=token, state=state)
    for entry_point in sorted(entry_points(group=SETTINGS_GROUP), key=lambda each: each.name):
        settings: ClientSettings | None = entry_point.load()(environ)
        if settings is not None:
            return settings
    raise NoSettingsError("set IM_CONNECT (as in tcp:127.0.0.1:7222) and IM_TOKEN")
