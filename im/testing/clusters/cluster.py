"""Engines, workers and nodes, started in order, watched, and ended in order."""

import hashlib
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from im.adapters.sql.postgres import migrate
from im.adapters.token.keys import create_key_file
from im.testing.clusters.member import Member
from im.testing.clusters.restarts import Restart
from im.testing.services.postgres import PostgresServer
from im.testing.services.process import MissingServerError, ServerProcess
from im.testing.services.rabbitmq import RabbitServer
from im.testing.services.redis import RedisServer

_POLL_SECONDS = 0.05
_READY_WITHIN_SECONDS = 90.0

_ELSEWHERE = Path("/var/lib/im-cluster")


class DurablePostgres(PostgresServer):
    """One that keeps what it has committed."""

    is_durable = True


ENGINES: Mapping[str, tuple[str, type[ServerProcess]]] = {
    "redis": ("IM_REDIS_URL", RedisServer),
    "rabbitmq": ("IM_AMQP_URL", RabbitServer),
    "postgresql": ("IM_DATABASE_URL", DurablePostgres),
}
"""Name of the folder -> the variable that names one that runs, and the private one."""


Way = Callable[[str, str, str], str]
"""The URL by which a member of a name reaches an engine, by the engine's name and its own URL."""


def straight(member: str, engine: str, url: str) -> str:
    """The engine's own URL."""
    return url


class ClusterPlan(NamedTuple):
    """What a cluster is made of."""

    state_dir: Path
    gateways: int = 2
    business: int = 2
    settings: Mapping[str, str] = {}
    """Further `IM_*` variables of every process."""
    way: Way = straight


class Cluster:
    """Runs from `start` to `stop`; `watch` starts again what has died. `say` tells people."""

    def __init__(
        self, plan: ClusterPlan, environ: Mapping[str, str], say: Callable[[str], None] = lambda _: None
    ) -> None:
        self._plan = plan
        self._environ = environ
        self._say = say
        self._threads = ThreadPoolExecutor(len(ENGINES))
        self.engines: dict[str, ServerProcess] = {}
        self.members: list[Member] = []
        self._restarts: dict[str, Restart] = {}
        self._starting: dict[str, Future[None]] = {}

    @property
    def urls(self) -> Mapping[str, str]:
        """Of the engines, by their variables."""
        return {
            variable: self.engines[name].url if name in self.engines else self._environ[variable]
            for name, (variable, _) in ENGINES.items()
        }

    def start(self) -> None:
        """Start everything, and wait until all parts are ready. Blocks. Raises `MissingServerError`."""
        folder = self._plan.state_dir
        folder.mkdir(parents=True, exist_ok=True, mode=0o711)  # The database's user passes through.
        for name, (variable, kind) in ENGINES.items():
            if not self._environ.get(variable):
                self.engines[name] = kind(self._folder_of(name))
        list(self._threads.map(lambda engine: engine.start(), self.engines.values()))
        migrate(self.urls["IM_DATABASE_URL"])
        keys = folder / "keys.json"
        if not keys.exists():
            create_key_file(keys)
        shared = {
            "IM_USERS": "open",
            **self._environ,
            **self._plan.settings,
            "IM_SIGNING_KEY_FILE": str(keys),
        }
        names = [(f"worker-{number + 1}", "im-business") for number in range(self._plan.business)]
        names += [(f"node-{number + 1}", "im-gateway") for number in range(self._plan.gateways)]
        self.members = [
            Member(name, program, folder / name, {**shared, **self._urls_of(name)}) for name, program in names
        ]
        for member in self.members:
            member.start()
        self._wait_until_ready()

    def _urls_of(self, member: str) -> Mapping[str, str]:
        ways = self._plan.way
        return {variable: ways(member, name, self.urls[variable]) for name, (variable, _) in ENGINES.items()}

    def _folder_of(self, name: str) -> Path:
        folder = self._plan.state_dir / name
        if name != "postgresql":
            return folder
        folder.mkdir(exist_ok=True)
        place = _reachable(folder, PostgresServer.user_of_it())
        if place != folder:
            self._say(f"PostgreSQL's data is in {place}, since its user cannot reach {folder}.")
        return place

    def member(self, name: str) -> Member:
        """A worker or node by its name."""
        return next(each for each in self.members if each.name == name)

    def watch(self) -> None:
        """Start again what has died, once; to be called now and again."""
        now = time.monotonic()
        for name, part in self._parts():
            restart = self._restarts.setdefault(name, Restart(now))
            if part.is_running or self._is_starting(name):
                continue
            if not restart.is_waiting:
                self._say(f"{name} has ended; it starts again in {restart.ended(now):g} s.")
            elif restart.is_due(now):
                self._starting[name] = self._threads.submit(part.start)
        for member in self.members:
            member.pin()

    def stop(self) -> None:
        """End everything in order: nodes, workers, engines. Idempotent."""
        for gateways in (True, False):
            with ThreadPoolExecutor() as threads:
                list(threads.map(Member.stop, [each for each in self.members if each.is_gateway is gateways]))
        self.members = []
        list(self._threads.map(lambda engine: engine.stop(), self.engines.values()))
        self.engines = {}
        self._threads.shutdown()

    def _is_starting(self, name: str) -> bool:
        starting = self._starting.get(name)
        if starting is None or not starting.done():
            return starting is not None
        del self._starting[name]
        error = starting.exception()
        if error is not None:
            self._say(f"{name} did not start: {error}.")
        return False

    def _parts(self) -> Iterator[tuple[str, ServerProcess | Member]]:
        yield from self.engines.items()
        for member in self.members:
            yield member.name, member

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_WITHIN_SECONDS
        for member in self.members:
            while member.told is None or not is_ready(member.told.admin):
                if not member.is_running or time.monotonic() > deadline:
                    raise MissingServerError(f"{member.name} does not start: {_last_words(member)}")
                time.sleep(_POLL_SECONDS)
            member.pin()


def _last_words(member: Member) -> str:
    log = member.folder / "node.log"
    lines = log.read_text("utf-8", "replace").strip().splitlines() if log.exists() else []
    return " / ".join(lines[-2:]) or "what it printed above says why"


def is_ready(admin: str) -> bool:
    """Whether the part with this admin port says that it is ready."""
    import urllib.error
    import urllib.request

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(admin.rstrip("/") + "/readyz", timeout=2.0) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _reachable(folder: Path, user: str) -> Path:
    """A folder that the database's own user reaches: `folder`, or one that stands for it under /var/lib."""
    if not user or all(parent.stat().st_mode & stat.S_IXOTH for parent in folder.resolve().parents):
        return folder
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    elsewhere = _ELSEWHERE / name
    elsewhere.mkdir(parents=True, exist_ok=True)
    return elsewhere
