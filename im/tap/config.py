"""The configuration of one process: a frozen value, read from options, environment, file and defaults."""

import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from im.core.limits import Limits
from im.tap.settings import FOREIGN_VARIABLES, SETTINGS, Setting

Given = str | Sequence[str]
"""What an option or a variable says: text, or several texts of a setting that repeats."""


FOREIGN = ("authenticators", "handlers", "hooks")
"""Tables of the file that hold tables of other packages, which check them themselves."""


class ConfigError(Exception):
    """The configuration is wrong: one sentence that names the place and the fix."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """All that `im-gateway` can be told; every field is in the table `im.tap.settings.SETTINGS`.

    But those of `FOREIGN`: those are the file's own tables of those names, each for one of
    other packages. Endpoints are Twisted's endpoint strings; an empty `http` or `admin` is not served.
    """

    node: str = "node-1"
    state_dir: Path = field(default_factory=lambda: Path("var").resolve())
    listen: tuple[str, ...] = ("tcp:7222:interface=127.0.0.1",)
    http: str = "tcp:7280:interface=127.0.0.1"
    admin: str = "tcp:7290:interface=127.0.0.1"
    users: str = "known"
    same_class: str = "coexist"
    presence: str = "contacts"
    direct: str = "anyone"
    greeting: str = "你好"
    allowed_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    signing_key_file: Path | None = None
    auth: tuple[str, ...] = ("own",)
    jwt_key_file: Path | None = None
    jwt_keys_url: str = ""
    jwt_issuer: str = ""
    jwt_audience: str = ""
    jwt_user_claim: str = "sub"
    jwt_refresh_seconds: float = 600.0
    jwt_keep_seconds: float = 86_400.0
    api_origins: tuple[str, ...] = ()
    webhooks_private: bool = False
    redis_url: str = ""
    amqp_url: str = ""
    database_url: str = ""
    amqp_events: tuple[str, ...] = ()
    cluster: str = "im"
    shards: int = 4
    advertise: tuple[str, ...] = ()
    time_zone: str = "UTC"
    message_days: int = 0
    log: str = "json"
    log_level: str = "info"
    authenticators: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    handlers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    hooks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.state_dir / "im.sqlite"


def load(
    options: Mapping[str, Given],
    environ: Mapping[str, str],
    folder: Path,
    defaults: Mapping[str, Given] = MappingProxyType({}),
) -> Config:
    """Read the configuration: options before `IM_*` variables before the TOML file before defaults.

    `options` holds settings by name as the command line gave them, and `config`, the path of the
    file; relative paths start at `folder`, those in the file at the file's own folder.
    Raises `ConfigError`.
    """
    file = options.get("config") or environ.get("IM_CONFIG")
    chosen: dict[str, Any] = _parsed(_from_options(defaults), folder)
    if file:
        chosen |= _from_file(folder / str(file))
    chosen |= _parsed(_from_environment(environ), folder)
    chosen |= _parsed(_from_options(options), folder)
    limits = {
        name: chosen.pop(name) for name, setting in SETTINGS.items() if setting.is_limit and name in chosen
    }
    try:
        return Config(limits=Limits(**limits), **{"state_dir": (folder / "var").resolve(), **chosen})
    except ValueError as error:
        raise ConfigError(f"{error}; change it or leave it out to have its default.") from None


class _Value(NamedTuple):
    """A value as it was given, and where."""

    source: str
    setting: Setting
    given: Any


def _from_options(options: Mapping[str, Given]) -> Iterator[_Value]:
    for name, given in options.items():
        if name in SETTINGS:
            yield _Value(SETTINGS[name].option, SETTINGS[name], given)


def _from_environment(environ: Mapping[str, str]) -> Iterator[_Value]:
    variables = {setting.variable: setting for setting in SETTINGS.values()}
    for name, given in environ.items():
        if not name.startswith("IM_") or name.startswith(FOREIGN_VARIABLES):
            continue
        if name not in variables:
            raise ConfigError(f"{name}: there is no such setting{_did_you_mean(name, variables)}.")
        setting = variables[name]
        yield _Value(name, setting, given.split() if setting.repeats else given)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; give --config a TOML file that can be read.") from None
    except ValueError as error:
        raise ConfigError(f"{path}: {error}; it must be TOML in UTF-8.") from None
    foreign = {name: _foreign(path, name, table.pop(name, {})) for name in FOREIGN}
    return _parsed(_in_table(path, table), path.resolve().parent) | foreign


def _foreign(path: Path, name: str, tables: Any) -> Mapping[str, Mapping[str, Any]]:
    """The tables of other packages, which check them themselves."""
    if not isinstance(tables, dict) or not all(isinstance(each, dict) for each in tables.values()):
        raise ConfigError(f"{path}: {name} holds no tables; begin each with [{name}.NAME].")
    return tables


def _in_table(path: Path, table: Mapping[str, Any]) -> Iterator[_Value]:
    limits = table.get("limits", {})
    if not isinstance(limits, dict):
        raise ConfigError(f"{path}: limits is not a table; begin it with a line [limits].")
    plain = {name: setting for name, setting in SETTINGS.items() if not setting.is_limit}
    for part, prefix in ((table, ""), (limits, "limits.")):
        known = {name: each for name, each in SETTINGS.items() if each.is_limit} if prefix else plain
        for name, given in part.items():
            if not prefix and name == "limits":
                continue
            if name not in known:
                raise ConfigError(
                    f"{path}: {prefix}{name}: there is no such setting{_did_you_mean(name, known)}."
                )
            yield _Value(f"{path}: {prefix}{name}", known[name], given)


def _parsed(values: Iterator[_Value], folder: Path) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for source, setting, given in values:
        try:
            value = setting.parse(given)
        except ValueError as error:
            shown = given if isinstance(given, str) else repr(given)
            if setting.is_secret and not shown.startswith("file:"):
                shown = "…"
            raise ConfigError(f"{source}: {shown!r} {error}.") from None
        chosen[setting.name] = (folder / value).resolve() if isinstance(value, Path) else value
    return chosen


def _did_you_mean(name: str, known: Mapping[str, Setting]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; perhaps you mean {near[0]}" if near else "; `twistd im-gateway --help` lists them all"
