"""Runs a whole shop: customers order and pay, the provider calls back, "paid" comes onto their screens.

    run.py [--orders 20] [--state-dir DIR]

Without the state folder of a running node (`scripts/run --state-dir DIR`) it starts a node of its own. Prints
how long each order took from the provider's first call to the screen, and ends with status 0 if every order
was shown exactly once.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

from customer import screen
from provider import Provider, post
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater, react
from twisted.internet.threads import deferToThread

from im.client import Client, Status, environment_settings

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
CUSTOMERS = ("alice", "bob", "carol")
ANYWHERE = "tcp:0:interface=127.0.0.1"
PAID_WITHIN = 2.0
PATIENCE = 60.0


def wait_for(is_true: Callable[[], bool]) -> None:
    """Wait, for a while."""
    until = time.monotonic() + PATIENCE
    while not is_true() and time.monotonic() < until:
        time.sleep(0.02)


class Programs:
    """The programs that run beside this one, for as long as it runs."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder

    def start(self, name: str, *command: str | Path) -> str:
        """Start a program, and return its first line."""
        out, err = (self._folder / f"{name}.{kind}" for kind in ("out", "err"))
        with out.open("wb") as to_out, err.open("wb") as to_err:
            program = subprocess.Popen(command, stdout=to_out, stderr=to_err)
        self._stack.callback(program.wait)
        self._stack.callback(program.terminate)
        wait_for(lambda: "\n" in out.read_text() or program.poll() is not None)
        if program.poll() is not None:
            raise SystemExit(f"{name} did not start: {err.read_text()}")
        return out.read_text().splitlines()[0]

    def start_node(self) -> Path:
        """A node of its own; returns its state folder."""
        state = self._folder / "node"
        places = (f"--listen={ANYWHERE}", f"--http={ANYWHERE}", f"--admin={ANYWHERE}")
        options = ("--users=open", f"--state-dir={state}", *places)
        self.start("node", BIN / "twistd", "-n", "--pidfile=", "im-gateway", *options)
        return state


def http_of(state: Path) -> str:
    """Where the running node of a state folder, or the first of a cluster's, serves its HTTP API."""
    found: list[str] = []

    def is_there() -> bool:
        told = [
            json.loads(path.read_text())
            for path in (state / "node.json", *sorted(state.glob("*/node.json")))
            if path.exists()
        ]
        found.extend(each["http"] for each in told if each["http"])
        return bool(found)

    wait_for(is_there)
    return found[0]


def make_key(stack: ExitStack, state: Path) -> str:
    """A key of the node that is good for pushes, until this program ends."""
    keys = (BIN / "imctl", "keys", f"--state-dir={state}", "--json")
    done = subprocess.run((*keys, "create", "payment-example"), stdout=subprocess.PIPE, check=True)
    made: dict[str, str] = json.loads(done.stdout)
    stack.callback(subprocess.run, (*keys, "revoke", made["id"]), stdout=subprocess.DEVNULL, check=True)
    return made["key"]


async def come_online(reactor: Any, state: Path, user: str, show: Any) -> Client:
    """A customer opens the app: from now on the node knows them."""
    client = screen(reactor, environment_settings({"IM_STATE_DIR": str(state), "IM_CLIENT_USER": user}), show)
    while client.status.status is not Status.ONLINE:
        await deferLater(reactor, 0.02)
    return client


async def trade(reactor: Any, shop: str, state: Path, count: int) -> bool:
    """Order, pay, and watch the screens; returns whether each order was shown once."""
    shown_at: dict[int, float] = {}
    shown: Counter[int] = Counter()

    def show(order: int) -> None:
        shown_at.setdefault(order, time.time())
        shown[order] += 1

    clients = [await come_online(reactor, state, user, show) for user in CUSTOMERS]
    provider = Provider(f"{shop}/paid", Random(), PAID_WITHIN)
    orders = {}
    for number in range(count):
        customer = CUSTOMERS[number % len(CUSTOMERS)]
        answer = await deferToThread(post, f"{shop}/orders", {"customer": customer})
        orders[answer["order"]] = customer
        provider.pay(answer["order"])
    await deferToThread(provider.wait)
    until = time.monotonic() + PATIENCE
    while orders.keys() - shown.keys() and time.monotonic() < until:
        await deferLater(reactor, 0.05)
    await deferLater(reactor, 1.0)  # what comes twice comes now
    await gatherResults([client.stop() for client in clients])
    report(orders, {order: shown_at[order] - provider.called_at[order] for order in shown if order in orders})
    return all(shown[order] == 1 for order in orders)


def report(orders: dict[int, str], seconds: dict[int, float]) -> None:
    """Print how long each order took, and the order in the middle and the one in twenty."""
    for order, customer in orders.items():
        took = f"{seconds[order] * 1000:.0f} ms after the callback" if order in seconds else "NOT SHOWN"
        print(f"order {order} of {customer}: paid, on the screen {took}")
    ranked = sorted(seconds.values()) or [0.0]
    p50, p95 = (ranked[int((len(ranked) - 1) * part)] * 1000 for part in (0.5, 0.95))
    print(f"callback to screen: p50 {p50:.0f} ms, p95 {p95:.0f} ms, {len(seconds)} of {len(orders)} orders")


async def main(reactor: Any, arguments: argparse.Namespace) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="im-payment-")))
        programs = Programs(stack, folder)
        state = Path(arguments.state_dir) if arguments.state_dir else programs.start_node()
        node = http_of(state)
        key = folder / "shop.key"
        key.write_text(make_key(stack, state))
        database = f"sqlite:///{folder / 'shop.sqlite'}"
        shop = programs.start("shop", sys.executable, HERE / "shop.py", database)
        relay = ("relay", "--database", database, "--url", node, "--key-file", key)
        programs.start("relay", BIN / "imctl", *relay)
        is_well = await trade(reactor, shop, state, arguments.orders)
    if not is_well:
        raise SystemExit(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A shop whose customers see at once that they have paid.")
    parser.add_argument("--orders", type=int, default=20, metavar="N")
    parser.add_argument("--state-dir", metavar="DIR", help="of a node or a cluster that runs here")
    given = parser.parse_args()
    react(lambda reactor: Deferred.fromCoroutine(main(reactor, given)))
