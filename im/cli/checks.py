"""What `imctl doctor` looks at. Each check says that it is well, or what to do."""

import os
import resource
import shutil
import socket
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from im import __version__
from im.cli.admin import ask
from im.cli.database import database_of
from im.cli.failures import Failure
from im.cli.keys import key_file, local_keys
from im.cli.place import running_node
from im.tap.statedir import NodeFile

LEAST_FILES = 1_024
LEAST_FREE_BYTES = 256 * 1024 * 1024
LEAST_SQLITE = (3, 35, 0)
CONNECT_SECONDS = 3.0
_DEFAULT_PORTS = (7222, 7280, 7290)


class Finding(NamedTuple):
    """The result of one check."""

    check: str
    is_ok: bool
    text: str


class Subject(NamedTuple):
    """What is looked at: a state folder, and its running node if there is one."""

    folder: Path
    node: NodeFile | None


Check = Callable[[Subject], tuple[bool, str]]


def findings(folder: Path) -> list[Finding]:
    """The results of all checks of the node of a state folder, in their order."""
    subject = Subject(folder, running_node(folder))
    return [Finding(name, *check(subject)) for name, check in CHECKS.items()]


def check_folder(subject: Subject) -> tuple[bool, str]:
    """Its owner's alone, and writable."""
    mode = subject.folder.stat().st_mode & 0o777
    if not os.access(subject.folder, os.W_OK | os.X_OK):
        return False, f"{subject.folder} cannot be written by you; run as its owner"
    if mode & 0o022:
        return False, f"{subject.folder} can be written by others; run: chmod go-w {subject.folder}"
    return True, str(subject.folder.resolve())


def check_key(subject: Subject) -> tuple[bool, str]:
    """Present, well formed, unreadable for others."""
    try:
        keys = local_keys(subject.folder)
    except Failure as failure:
        return False, failure.text
    return True, f"{key_file(subject.folder)}, {len(keys.keys)} key(s), {keys.active} signs"


def check_database(subject: Subject) -> tuple[bool, str]:
    """There, intact, of a schema that this program knows, on a local disk."""
    from im.adapters.sql.schema import UnusableDatabaseError, check_version
    from im.adapters.sql.sqlite.lock import network_file_system

    path = database_of(subject.folder)
    if not path.exists():
        return False, f"{path} is not there; the first start of the node makes it"
    network = network_file_system(path, Path("/proc/self/mounts").read_text("utf-8"))
    if network:
        return False, f"{path} is on a network file system ({network}); move the folder to a local disk"
    try:
        with closing(_read_only(path)) as connection:
            (damage,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            schema, compatible = connection.execute(
                "SELECT schema_version, compatible_version FROM meta"
            ).fetchone()
        check_version(str(path), schema, compatible)
    except sqlite3.Error as error:
        return False, f"{path} cannot be read ({error}); restore a backup with imctl restore"
    except UnusableDatabaseError as error:
        return False, str(error)
    if damage != "ok":
        return False, f"{path} is damaged ({damage}); restore a backup with imctl restore"
    return True, f"{path}, schema {schema}, {path.stat().st_size // 1024} KiB"


def check_node(subject: Subject) -> tuple[bool, str]:
    """Running, and ready by its own word."""
    if subject.node is None:
        return False, f"no node runs here; start it with scripts/run --state-dir {subject.folder}"
    if subject.node.admin:
        try:
            answer = ask(subject.node, "/readyz")
        except Failure as failure:
            return False, f"{failure.text}; look into its log"
        if answer.status != 200:
            return False, f"it is not ready: {answer.text()}"
    return True, f"{subject.node.node} runs as process {subject.node.pid}"


def check_ports(subject: Subject) -> tuple[bool, str]:
    """Of a running node: all answer. Else: the default ones are free."""
    if subject.node is None:
        taken = [str(port) for port in _DEFAULT_PORTS if _answers("127.0.0.1", port)]
        if taken:
            return False, f"in use by another program: {', '.join(taken)}; end it, or choose others"
        return True, "the default ports are free"
    addresses = [*subject.node.listen, subject.node.http, subject.node.admin]
    silent = [each for each in addresses if each and not _reaches(each)]
    if silent:
        return False, f"nobody answers at {', '.join(silent)}; look into the node's log"
    return True, " ".join(each for each in addresses if each)


def check_versions(subject: Subject) -> tuple[bool, str]:
    """Of the parts below us, and of the running node."""
    from importlib.metadata import version

    parts = " ".join(f"{name} {version(name)}" for name in ("twisted", "protobuf"))
    text = (
        f"im-gateway {__version__}, python {sys.version.split()[0]}, sqlite {sqlite3.sqlite_version}, {parts}"
    )
    if sqlite3.sqlite_version_info < LEAST_SQLITE:
        return False, f"{text}: SQLite is too old, it must be {'.'.join(map(str, LEAST_SQLITE))} or newer"
    if subject.node is not None and subject.node.version != __version__:
        return (
            False,
            f"the running node is of version {subject.node.version}, this is {__version__}; restart it",
        )
    return True, text


def check_clock(subject: Subject) -> tuple[bool, str]:
    """Not behind what was stored: tokens and the order of logins rest on it."""
    now_ms = int(time.time() * 1000)
    behind_ms = _newest_ms(database_of(subject.folder)) - now_ms
    if behind_ms > 0:
        return False, f"it is {behind_ms // 1000} s behind what was stored last; set it, and run NTP"
    return True, time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(now_ms / 1000))


def check_files(subject: Subject) -> tuple[bool, str]:
    """A connection needs a file descriptor."""
    who = 0 if subject.node is None else subject.node.pid
    try:
        soft, _ = resource.prlimit(who, resource.RLIMIT_NOFILE)
    except PermissionError:
        return True, "the node is another user's; look at `ulimit -n` there"
    shown = "unlimited" if soft == resource.RLIM_INFINITY else str(soft)
    if soft != resource.RLIM_INFINITY and soft < LEAST_FILES:
        return False, f"only {shown} open files are allowed; raise `ulimit -n` or LimitNOFILE"
    return True, f"{shown} open files are allowed"


def check_disk(subject: Subject) -> tuple[bool, str]:
    """Room for the database to grow."""
    free = shutil.disk_usage(subject.folder).free
    text = f"{free // (1024 * 1024)} MiB free"
    if free < LEAST_FREE_BYTES:
        return False, f"only {text}; make room, or move the state folder"
    return True, text


CHECKS: dict[str, Check] = {
    "folder": check_folder,
    "key": check_key,
    "database": check_database,
    "node": check_node,
    "ports": check_ports,
    "versions": check_versions,
    "clock": check_clock,
    "files": check_files,
    "disk": check_disk,
}
"""All checks by name, in the order in which they are shown."""


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=CONNECT_SECONDS)


def _newest_ms(database: Path) -> int:
    """When the newest message was stored, in Unix ms; 0 if that cannot be told."""
    try:
        with closing(_read_only(database)) as connection:
            (newest,) = connection.execute("SELECT max(head_time_ms) FROM conversation").fetchone()
    except sqlite3.Error:
        return 0
    return newest or 0


def _reaches(address: str) -> bool:
    """Whether somebody listens at `tcp:HOST:PORT`, `unix:PATH` or a URL."""
    if address.startswith("unix:"):
        return Path(address.removeprefix("unix:")).is_socket()
    if "//" in address:
        parts = urlsplit(address)
        return _answers(parts.hostname or "", parts.port or 0)
    host, _, port = address.partition(":")[2].replace("\\:", ":").rpartition(":")
    return _answers(host, int(port))


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), CONNECT_SECONDS):
            return True
    except OSError:
        return False
