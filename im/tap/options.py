"""The command line of `twistd im-gateway`, made from the table of settings."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from twisted.python import usage

from im.tap.config import Config, ConfigError, Given, load
from im.tap.logs import direct_twistd
from im.tap.settings import SETTINGS, Setting


class Options(usage.Options):
    """Options of a node. Each is also a variable `IM_…` and a key of the TOML file.

    A wrong command line ends the process with one sentence and status 1: twistd would print its
    whole help first.
    """

    synopsis = "[options]"
    longdesc = (
        "Options go before IM_* environment variables (IM_STATE_DIR for --state-dir; several values are "
        "separated by spaces), those before the TOML file (state_dir = …; limits under [limits])."
    )
    optParameters: ClassVar[list[list[Any]]] = [
        ["config", None, None, "TOML file with settings"],
        *[
            [setting.option[2:], None, None, setting.help]
            for setting in SETTINGS.values()
            if not setting.repeats
        ],
    ]
    program = "im-gateway"
    own_defaults: ClassVar[Mapping[str, Given]] = {}
    """Settings whose defaults are others for this program."""

    config: Config

    def __init__(self) -> None:
        super().__init__()
        self._repeated: dict[str, list[str]] = {}

    def repeat(self, name: str, value: str) -> None:
        """Take one more value of a setting that repeats."""
        self._repeated.setdefault(name, []).append(value)

    def opt_version(self) -> NoReturn:
        """Print the version and exit."""
        from im import __version__

        print(f"{self.program} {__version__}")
        raise SystemExit(0)

    def parseOptions(self, options: Any = None) -> None:
        """Parse, and end the process with one sentence if that fails."""
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            lists = f"`twistd {self.program} --help` lists the options"
            raise SystemExit(f"{self.program}: {error}; {lists}.") from None

    def parseArgs(self, *args: str) -> None:
        """Refuse what is no option."""
        if args:
            raise usage.UsageError(f"{args[0]} is no option")

    def postOptions(self) -> None:
        """Make the configuration, and let twistd log in its form."""
        given: dict[str, Any] = {
            name.replace("-", "_"): value for name, value in self.items() if value is not None
        }
        try:
            self.config = load(given | self._repeated, os.environ, Path.cwd(), self.own_defaults)
        except ConfigError as error:
            raise SystemExit(f"{self.program}: {error}") from None
        parent = getattr(self, "parent", None)
        if parent is not None:
            direct_twistd(parent, self.config.log, self.config.log_level)


def _repeating(setting: Setting) -> Callable[[Options, str], None]:
    def take(options: Options, value: str) -> None:
        options.repeat(setting.name, value)

    take.__doc__ = setting.help
    return take


class BusinessOptions(Options):
    """Options of a worker: the same settings, of which those for clients mean nothing to it."""

    program = "im-business"
    own_defaults: ClassVar[Mapping[str, Given]] = {
        "node": "worker-1",
        "http": "off",
        "admin": "tcp:7291:interface=127.0.0.1",
    }


for _setting in SETTINGS.values():
    if _setting.repeats:
        setattr(Options, f"opt_{_setting.name}", _repeating(_setting))
