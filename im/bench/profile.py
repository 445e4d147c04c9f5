"""Where a busy node's time goes: `scripts/profile [IN_FLIGHT]`.

Loads a private node as `imctl bench chat` does, samples which of its threads holds the
interpreter's lock with py-spy, and prints the functions by their share, own and with what they call.
"""

import os
import re
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from im.bench.machine import BenchError, generate, node
from im.bench.measured import PAIRS, TALK

SECONDS = 8
START_SECONDS = 3.0
RATE = 500
LEAST_SHARE = 0.005


def sample(pid: int, path: Path) -> None:
    """Write the collapsed stacks of a process over `SECONDS` to a file. Raises `BenchError`."""
    command = ["py-spy", "record", "--gil", "-r", str(RATE), "-d", str(SECONDS), "-f", "raw", "-o", str(path)]
    binary = Path(sys.executable).with_name(command[0])
    done = subprocess.run([str(binary), *command[1:], "--pid", str(pid)], capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchError(f"py-spy could not look into the node: {done.stderr.strip()}")


def shares(stacks: Iterable[str]) -> Iterator[tuple[float, float, str]]:
    """Of each function, largest first: its share with what it calls, its own share, its name."""
    total: Counter[str] = Counter()
    own: Counter[str] = Counter()
    samples = 0
    for line in stacks:
        stack, _, count = line.rpartition(" ")
        functions = [re.sub(r":\d+\)$", ")", each) for each in stack.split(";")]
        samples += int(count)
        own[functions[-1]] += int(count)
        for function in set(functions):
            total[function] += int(count)
    for function, whole in total.most_common():
        yield whole / samples, own[function] / samples, function


def main(in_flight: int) -> None:
    """Profile and print."""
    users = [f"profile{number}" for number in range(2 * PAIRS)]
    with tempfile.TemporaryDirectory() as folder, node(TALK) as server:
        path = Path(folder, "stacks")
        sampler = threading.Timer(START_SECONDS, sample, (server.pid, path))
        sampler.start()
        seconds = START_SECONDS + SECONDS
        job = server.job("traffic", users, pairs=PAIRS, in_flight=in_flight, rate=0.0, seconds=seconds)
        measured = generate(job)
        sampler.join()
        cost = measured["server_cpu"] / measured["messages"] * 1e6
        print(f"{measured['messages'] / measured['seconds']:.0f} messages a second, {cost:.1f} µs CPU each")
        for share, own, function in shares(path.read_text().splitlines()):
            if share < LEAST_SHARE:
                break
            print(f"{share:6.1%} {own:6.1%}  {function}")


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 16)
    except BenchError as error:
        sys.exit(f"scripts/profile: {error}")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
