"""What the parts of a cluster cost, and how many AMQP messages they publish."""

import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from im.bench.measured import Figures
from im.bench.meter import TICK, Meter

OURS = ("gateway", "business")
ENGINES = ("broker", "redis", "database")

_PUBLISHED = ("im_node_batches_published_total", "im_submissions_published_total")
_DELIVERED = "im_delivery_batches_total"
_ANSWER_SECONDS = 10.0


class Reading(NamedTuple):
    """At one moment: CPU seconds of each part, AMQP messages published, deliveries that idle nodes got."""

    cpu: Mapping[str, float]
    published: float
    idle_deliveries: float


class PartsMeter(Meter):
    """Of a whole cluster: its `cpu` is that of gateways and workers.

    `pids`: of each part, its processes; what they started counts, too. `admins`: the admin ports of ours,
    `idle` those among them that should get nothing. Each look at `cpu` reads all the rest along.
    """

    def __init__(self, pids: Mapping[str, Sequence[int]], admins: Sequence[str], idle: Sequence[str]) -> None:
        super().__init__(next(iter(pids["business"])))
        self._pids = pids
        self._admins = admins
        self._idle = idle
        self.readings: list[Reading] = []

    def cpu(self) -> float:
        """See `Meter`."""
        pages = {admin: counters(admin) for admin in self._admins}
        cpu = parts_cpu(self._pids)
        published = sum(page.get(name, 0.0) for page in pages.values() for name in _PUBLISHED)
        delivered = sum(pages[admin].get(_DELIVERED, 0.0) for admin in self._idle)
        self.readings.append(Reading(cpu, published, delivered))
        return sum(cpu[part] for part in OURS)

    def figures(self) -> Figures:
        """What was spent between the two looks at `cpu`."""
        spent = between(*self.readings)
        return {
            "parts": spent.cpu,
            "amqp_messages": spent.published,
            "idle_deliveries": spent.idle_deliveries,
        }


def between(first: Reading, last: Reading) -> Reading:
    """What came meanwhile."""
    cpu = {part: last.cpu[part] - first.cpu[part] for part in first.cpu}
    return Reading(cpu, last.published - first.published, last.idle_deliveries - first.idle_deliveries)


def parts_cpu(pids: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """CPU seconds of each part: its processes, with all that they started, ended or not."""
    processes = dict(_processes())
    seconds = {}
    for part, roots in pids.items():
        family = set(roots)
        while more := {pid for pid, (parent, _) in processes.items() if parent in family} - family:
            family |= more
        seconds[part] = sum(processes[pid][1] for pid in family if pid in processes) / TICK
    return seconds


def _processes() -> Iterable[tuple[int, tuple[int, int]]]:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield int(entry.name), (int(fields[1]), sum(map(int, fields[11:15])))


def counters(admin: str) -> dict[str, float]:
    """The unlabelled metrics of a process. Raises `OSError`."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{admin.rstrip('/')}/metrics", timeout=_ANSWER_SECONDS) as answer:
        lines = answer.read().decode().splitlines()
    pairs = [line.split(" ") for line in lines if line and not line.startswith("#") and "{" not in line]
    return {name: float(value) for name, value in pairs}
