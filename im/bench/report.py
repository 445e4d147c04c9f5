"""From raw figures to rows: normalised, judged, and shown."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from im.bench.goals import missed
from im.bench.measured import Measured, Options
from im.bench.parts import ENGINES
from im.bench.reference import normalised, reference_us
from im.bench.scenarios import SCENARIOS

MAX_DRIFT = 0.20
"""Between the references before and after a figure; more, and it is taken again, then invalid."""

Row = dict[str, Any]
Progress = Callable[[str], None]

_UNITS = {"idle": "heartbeat", "login": "login"}
_SHOWN = (
    "lost",
    "duplicated",
    "reordered",
    "sessions",
    "rss_bytes_per_session",
    "p50_ms",
    "p99_ms",
    "idle_deliveries",
    "worker_seconds",
    "node_seconds",
)


def run(scenario: str, options: Options, progress: Progress) -> Iterator[Row]:
    """Measure one scenario; a variant on a machine that drifted meanwhile is taken once more."""
    rows = list(_measure(scenario, options, progress))
    if any(_has_drifted(row) for row in rows):
        progress(f"{scenario}: the machine's speed changed meanwhile; once more")
        rows = list(_measure(scenario, options, progress))
    for row in rows:
        drift = row.pop("drift")
        if drift > MAX_DRIFT:
            row["invalid"] = f"the machine's speed changed by {drift:.0%} meanwhile"
        yield row


def run_all(options: Options, progress: Progress) -> Iterator[Row]:
    """Every scenario there is, and last how many goals were missed."""
    rows: list[Row] = []
    for scenario in SCENARIOS:
        for row in run(scenario, options, progress):
            rows.append(row)
            yield row
    names = missed(rows)
    yield {"scenario": "all", "variant": "", "missed_goals": len(names), "missed": names}


def _measure(scenario: str, options: Options, progress: Progress) -> Iterator[Row]:
    before = reference_us()
    first_cost: float | None = None
    for measured in SCENARIOS[scenario](options):
        after = reference_us()
        row = _row(scenario, measured, (before + after) / 2)
        row["drift"] = abs(after - before) / min(after, before)
        if scenario == "growth":
            cost = row["normalised_cpu_us_per_message"]
            first_cost = first_cost or cost
            row["times_of_empty"] = round(cost / first_cost, 2)
        progress(f"{scenario} {measured.variant}: done")
        yield row
        before = reference_us()


def _row(scenario: str, measured: Measured, reference: float) -> Row:
    figures, unit = measured.figures, measured.unit or _UNITS.get(scenario, "message")
    row: Row = {"scenario": scenario, "variant": measured.variant, "messages": figures["messages"]}
    if "server_cpu" in figures:
        raw = figures["server_cpu"] / figures["messages"] * 1e6 if figures["messages"] else 0.0
        row[f"cpu_us_per_{unit}"] = round(raw, 2)
        row[f"normalised_cpu_us_per_{unit}"] = round(normalised(raw, reference), 2)
    row |= {"reference_us": round(reference, 2), "settings": dict(measured.settings)}
    row |= {name: _rounded(figures[name]) for name in _SHOWN if name in figures}
    if "parts" in figures:
        row |= _parts(figures, reference)
    if "seconds" in figures:
        row["messages_per_second"] = round(figures["messages"] / figures["seconds"])
    if "server_busy" in figures:
        row["server_busy"] = round(figures["server_busy"], 3)
        if row["server_busy"] < measured.busy:
            row["invalid"] = f"the load left the server idle: busy {row['server_busy']} < {measured.busy}"
    return row


def _parts(figures: Mapping[str, Any], reference: float) -> Row:
    """What each part of a cluster costs a message."""
    messages = max(1, figures["messages"])
    cost = {part: cpu / messages * 1e6 for part, cpu in figures["parts"].items()}
    engines = normalised(sum(cost[part] for part in ENGINES), reference)
    return {
        "normalised_cpu_us_engines": round(engines, 2),
        **{f"cpu_us_{part}": round(us, 2) for part, us in cost.items()},
        "amqp_messages_per_message": round(figures["amqp_messages"] / messages, 3),
    }


def _rounded(value: float) -> float:
    return round(value, 2) if isinstance(value, float) else value


def _has_drifted(row: Mapping[str, Any]) -> bool:
    return bool(row["drift"] > MAX_DRIFT)
