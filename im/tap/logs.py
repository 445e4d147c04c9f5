"""Log lines: one JSON object or one line of text an event, and what is left out."""

import json
import sys
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO

from constantly import NamedConstant
from twisted.logger import (
    FilteringLogObserver,
    ILogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    formatEvent,
)
from twisted.python.logfile import LogFile
from zope.interface import implementer

FILE_BYTES = 10 * 1024 * 1024
FILES_KEPT = 9
QUIET_NAMESPACES = ("twisted", "log_legacy")
_SKIPPED = ("log_", "time", "format", "isError", "system", "message", "factory", "failure", "why")


def _time(event: LogEvent) -> str:
    moment = datetime.fromtimestamp(event.get("log_time", 0.0), UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _traceback(event: LogEvent) -> str:
    failure = event.get("log_failure")
    return failure.getTraceback().rstrip() if failure is not None else ""


def json_line(event: LogEvent) -> str:
    """One JSON object: ts, level, logger, msg, every scalar that the event carries, exc if it failed."""
    line: dict[str, Any] = {
        "ts": _time(event),
        "level": event.get("log_level", LogLevel.info).name,
        "logger": event.get("log_namespace", ""),
        "msg": formatEvent(event),
    }
    for key, value in event.items():
        if not key.startswith(_SKIPPED) and isinstance(value, str | int | float | bool | None):
            line.setdefault(key, value)
    if trace := _traceback(event):
        line["exc"] = trace
    return json.dumps(line, ensure_ascii=False) + "\n"


def text_line(event: LogEvent) -> str:
    """One line for people; a traceback follows on lines of its own."""
    level = event.get("log_level", LogLevel.info).name
    trace = _traceback(event)
    line = f"{_time(event)} {level:8} {event.get('log_namespace', '')}: {formatEvent(event)}\n"
    return line + (trace + "\n" if trace else "")


_LINES = {"json": json_line, "text": text_line}
_twistd_factory: Callable[[], ILogObserver] | None = None


@implementer(ILogObserver)
class LineObserver:
    """Writes each event as a line, at once."""

    def __init__(self, stream: TextIO | LogFile, form: str) -> None:
        self._stream = stream
        self._line = _LINES[form]

    def __call__(self, event: LogEvent) -> None:
        """Write one event."""
        self._stream.write(self._line(event))
        self._stream.flush()


class _Quiet(LogLevelFilterPredicate):
    """By level, but nothing below a warning from Twisted itself."""

    def __init__(self, level: NamedConstant) -> None:
        super().__init__(level)
        for namespace in QUIET_NAMESPACES:
            self.setLogLevelForNamespace(namespace, max(level, LogLevel.warn))


def observer(stream: TextIO | LogFile, form: str, level: str) -> ILogObserver:
    """An observer that writes events of at least `level` to `stream` in a form: json, text."""
    return FilteringLogObserver(LineObserver(stream, form), [_Quiet(LogLevel.lookupByName(level))])


def direct_twistd(twistd_options: MutableMapping[str, Any], form: str, level: str) -> None:
    """Let twistd log in our form, to where its own options say, unless they name another logger."""
    if twistd_options.get("logger") is not None or twistd_options.get("syslog"):
        return
    global _twistd_factory
    path = twistd_options.get("logfile") or ("-" if twistd_options.get("nodaemon") else "twistd.log")

    def factory() -> ILogObserver:
        if path == "-":
            return observer(sys.stdout, form, level)
        file = LogFile.fromFullPath(path, rotateLength=FILE_BYTES, maxRotatedFiles=FILES_KEPT)
        return observer(file, form, level)

    _twistd_factory = factory
    twistd_options["logger"] = f"{__name__}.{twistd_observer.__name__}"


def twistd_observer() -> ILogObserver:
    """The observer that `direct_twistd` chose: twistd takes the name of a factory, not the factory."""
    assert _twistd_factory is not None
    return _twistd_factory()
