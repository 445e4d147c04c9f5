"""The table of `docs/metrics.md`, made from the code.

`python -m im.test.tap.metrics_table --write` brings the page up to date.
"""

import sys
from pathlib import Path
from typing import Any

from twisted.internet.testing import MemoryReactorClock

from im.adapters.sql.policy import StorePolicy
from im.adapters.sql.runners import inline_runners
from im.adapters.sql.sqlite.memory import MemoryDatabase
from im.adapters.sql.sqlite.store import SqliteStore
from im.adapters.token.authenticator import TokenAuthenticator
from im.adapters.token.keys import KeyRing
from im.adapters.token.several import TokenCounters
from im.adapters.token.signed import SignedTokens
from im.core.limits import Limits
from im.http.metrics import Metric
from im.tap.config import Config
from im.tap.embedded import EmbeddedCore, Needs
from im.tap.lag import EventLoopLag
from im.tap.measures import Sources, metrics
from im.tap.timed import TimedStore
from im.tap.webhooks import webhook_metrics

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"
BEGINS = "| metric | type | label | what |\n|---|---|---|---|\n"


def node_metrics() -> list[Metric]:
    """The metrics of a node that was just made."""
    reactor: Any = MemoryReactorClock()
    policy = StorePolicy(Limits(), users_open=True)
    store = SqliteStore(MemoryDatabase(), inline_runners(), lambda: 0, policy, lambda _: None)
    timed = TimedStore(store, reactor)
    tokens = SignedTokens(KeyRing("k", {"k": b"k" * 32}), reactor.seconds, 60)
    core = EmbeddedCore(Needs(Config(), reactor, timed, TokenAuthenticator(tokens)))
    checks = {"store": timed.problem, "node": lambda: ""}
    lag, counters = EventLoopLag(reactor), TokenCounters()
    more = webhook_metrics(core.webhooks.couriers)
    return metrics(Sources(core.node, timed, lag, lambda: core.requests_waiting, checks, counters, more=more))


def page() -> str:
    """The whole page: as it stands, with the table of now."""
    head, begins, rest = PAGE.read_text(encoding="utf-8").partition(BEGINS)
    if not begins:
        raise LookupError(f"{PAGE} has lost its table")
    foot = rest.partition("\n\n")[2]
    rows = (
        f"| `{each.name}` | {each.kind} | {f'`{each.label}`' if each.label else ''} | {each.help} |\n"
        for each in node_metrics()
    )
    return f"{head}{begins}{''.join(rows)}\n{foot}"


def main(arguments: list[str]) -> None:
    """Print the page, or write it with `--write`."""
    text = page()
    if arguments == ["--write"]:
        PAGE.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
