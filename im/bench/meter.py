"""What the operating system says of a process: its CPU, its memory, and its wait for a core."""

import os
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Meter:
    """Of one process, with all its threads."""

    def __init__(self, pid: int) -> None:
        self._process = Path(f"/proc/{pid}")

    def cpu(self) -> float:
        """User and system CPU seconds since its start."""
        fields = (self._process / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def waited(self) -> float:
        """Seconds for which its threads were ready to run while something else had the core."""
        tasks = (self._process / "task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[1]) for task in tasks) / 1e9

    def rss(self) -> int:
        """Resident bytes."""
        return int((self._process / "statm").read_text().split()[1]) * _PAGE
