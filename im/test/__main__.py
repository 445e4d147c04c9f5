"""`scripts/test` once everything is installed: the checks, then the tests, then one line of sums."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from unittest import TestCase, TestSuite

from twisted.trial.runner import TestLoader

from im.testing.services import SERVICES, MissingServerError

ROOT = Path(__file__).resolve().parents[2]
SLOW_PACKAGES = ("im.test.system.",)
"""Tests with processes or services; a class elsewhere says so by `uses_processes = True`."""
WORKERS = 2
CHECKS = {
    "ruff check": ["ruff", "check", "--quiet"],
    "ruff format": ["ruff", "format", "--check", "--quiet"],
    "mypy": ["mypy"],
    "import-linter": ["lint-imports"],
}
_SUMMARY = re.compile(r"^(?:PASSED|FAILED)(?: \((.*)\))?$")
_FAILED = ("failures", "errors", "unexpectedSuccesses")


class Sums(NamedTuple):
    """How many tests passed, failed and were skipped, and whether trial told so."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    is_known: bool = False


def summed(line: str) -> Sums | None:
    """The sums in trial's last line, None for any other line."""
    match = _SUMMARY.match(line.strip())
    if match is None:
        return None
    counts = dict(part.split("=") for part in (match[1] or "").split(", ") if part)
    return Sums(
        passed=int(counts.get("successes", 0)) + int(counts.get("expectedFailures", 0)),
        failed=sum(int(counts.get(kind, 0)) for kind in _FAILED),
        skipped=int(counts.get("skips", 0)),
        is_known=True,
    )


def chosen_tests(quick: bool, pattern: str | None) -> list[str]:
    """The ids of the tests to run; `["im"]` for all."""
    if not quick and pattern is None:
        return ["im"]
    wanted = re.compile(pattern or "")
    return [
        test.id()
        for test in _each(TestLoader().loadByName("im", recurse=True))
        if wanted.search(test.id()) and not (quick and _is_slow(test))
    ]


def _each(suite: TestSuite | TestCase) -> Iterator[TestCase]:
    if isinstance(suite, TestSuite):
        for part in suite:
            yield from _each(part)
    else:
        yield suite


def _is_slow(test: TestCase) -> bool:
    return test.id().startswith(SLOW_PACKAGES) or getattr(test, "uses_processes", False)


def run_checks() -> list[str]:
    """Run the static checks; returns the names of those that failed."""
    failed = []
    for name, command in CHECKS.items():
        began = time.monotonic()
        done = subprocess.run(
            [Path(sys.executable).with_name(command[0]), *command[1:]],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        _say_time(name, time.monotonic() - began, "ok" if done.returncode == 0 else "FAILED")
        if done.returncode:
            print(done.stdout, flush=True)
            failed.append(name)
    return failed


@contextmanager
def running_servers() -> Iterator[Callable[[], Mapping[str, str]]]:
    """One server of each kind for all tests, started while something else goes on.

    Gives what waits for them, and then has the variables that tell where they are. It raises
    `MissingServerError`.
    """
    servers = {service.variable: service.make() for service in SERVICES.values()}
    with ThreadPoolExecutor(len(servers)) as threads:  # They end with the threads that started them.
        starting = [threads.submit(server.start) for server in servers.values()]

        def variables() -> Mapping[str, str]:
            for each in starting:
                each.result()
            return {variable: server.url for variable, server in servers.items()}

        try:
            yield variables
        finally:
            list(threads.map(lambda server: server.stop(), servers.values()))


def run_tests(names: Sequence[str], environ: Mapping[str, str]) -> Sums:
    """Run trial over the names, passing its lines on."""
    folder = tempfile.mkdtemp(prefix="im-test-")
    command = [sys.executable, "-m", "twisted.trial", f"-j{WORKERS}", f"--temp-directory={folder}/trial"]
    began = time.monotonic()
    sums = Sums()
    with subprocess.Popen(
        [*command, *names], cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as trial:
        assert trial.stdout is not None
        for line in trial.stdout:
            print(line, end="", flush=True)
            sums = summed(line) or sums
    if trial.returncode and not sums.failed:
        sums = sums._replace(failed=1)
    if sums.failed:
        print(f"Logs of the tests: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    _say_time(
        "tests", time.monotonic() - began, f"{sums.skipped} skipped, named above" if sums.skipped else ""
    )
    return sums


def _say_time(name: str, seconds: float, result: str) -> None:
    print(f"{name}: {seconds:.1f} s {result}".rstrip(), flush=True)


def main(arguments: Sequence[str]) -> int:
    """Check and test as the command line asks; returns the status of the process."""
    parser = argparse.ArgumentParser(prog="scripts/test", description="Check and test everything.")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--quick", action="store_true", help="no tests with processes or services")
    length.add_argument("--long", action="store_true", help="many more random examples")
    parser.add_argument(
        "-k", metavar="PATTERN", help="only tests whose id the pattern is found in; no checks"
    )
    given = parser.parse_args(arguments)
    environ = {**os.environ, **({"IM_TEST_LONG": "1"} if given.long else {})}
    _say_time("setup", float(os.environ.get("IM_TEST_SETUP_SECONDS", "0")), "")
    with ExitStack() as stack:
        needs_servers = not (given.quick or given.k)
        variables = stack.enter_context(running_servers()) if needs_servers else dict
        broken = [] if given.k else run_checks()
        names = chosen_tests(given.quick, given.k)
        began = time.monotonic()
        try:
            environ.update(variables())
        except MissingServerError as error:
            print(f"{error}\n0 passed, 1 failed", flush=True)
            return 1
        _say_time("waited for servers", time.monotonic() - began, "")
        sums = run_tests(names, environ) if names else Sums()
    if broken:
        print(f"failed before the tests: {', '.join(broken)}")
    print(f"{sums.passed} passed, {sums.failed} failed", flush=True)
    return 0 if sums.is_known and not sums.failed and not broken else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
