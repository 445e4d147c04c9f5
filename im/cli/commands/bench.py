"""`imctl bench`."""

from argparse import Namespace
from collections.abc import Iterable
from typing import Any

from im.bench.machine import BenchError
from im.bench.measured import Options
from im.bench.report import run as measure
from im.bench.report import run_all
from im.bench.scenarios import SCENARIOS
from im.cli.failures import failed, usage
from im.cli.output import Output

ALL = "all"
_NARROW = ("scenario", "variant", "settings", "invalid")


def run(arguments: Namespace, output: Output) -> None:
    """Measure a scenario on a private node, or all of them."""
    if arguments.scenario != ALL and arguments.scenario not in SCENARIOS:
        raise usage(f"no scenario is called {arguments.scenario}; there are {', '.join([*SCENARIOS, ALL])}")
    options = Options(arguments.sessions, arguments.seconds, arguments.members)
    try:
        if arguments.scenario == ALL:
            rows = _told(run_all(options, output.note), output)
        else:
            rows = _told(measure(arguments.scenario, options, output.note), output)
    except BenchError as error:
        raise failed(str(error)) from None
    if output.is_json:
        output.record({"results": rows}, "")


def _told(rows: Iterable[dict[str, Any]], output: Output) -> list[dict[str, Any]]:
    """All rows; people see each as soon as it is there."""
    told = []
    for row in rows:
        told.append(row)
        if not output.is_json:
            output.record(row, "\n".join(lines(row)))
    return told


def lines(row: dict[str, Any]) -> list[str]:
    """A row for people: its name, then a figure a line."""
    head = f"{row['scenario']} {row['variant']}".strip()
    if "invalid" in row:
        head += f"   INVALID: {row['invalid']}"
    figures = [f"    {name:34} {_shown(value)}" for name, value in row.items() if name not in _NARROW]
    settings = [f"    {name}={value}" for name, value in row.get("settings", {}).items()]
    return [head, *figures, *settings]


def _shown(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(map(str, value)) or "none"
    return f"{value:,}" if isinstance(value, int | float) else str(value)
