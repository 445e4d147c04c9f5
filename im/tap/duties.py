"""What a business layer does besides requests, whether it is all of one or one of many workers."""

from collections.abc import Sequence
from typing import Protocol

from im.business.hooks import Hooks
from im.business.message_hooks import MessageHooks
from im.business.offline import WEBHOOK_CONSUMER, OfflineWatch, hook_consumer, offline_times
from im.business.presence import PresenceHints
from im.business.session_hooks import SessionHooks
from im.business.upkeep import LEDGER, PUSHES, REQUESTS, Upkeep
from im.business.worker import Worker
from im.core.limits import Limits
from im.ports import INodeBus, ISessionRegistry, IStore, IWatchers
from im.tap.process import INodeReactor
from im.tap.storing import now_ms


class Duty(Protocol):
    """What somebody has to do for all, from `start` to `stop`."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End."""


def duties(reactor: INodeReactor, store: IStore, hooks: Hooks, limits: Limits) -> Sequence[Duty]:
    """The chores of a store, and the watches for messages that reach nobody."""
    times = offline_times(reactor, now_ms, limits)
    return [
        *(Upkeep(reactor, store, chore) for chore in (LEDGER, PUSHES, REQUESTS)),
        *(OfflineWatch(store, each, times) for each in (hook_consumer(hooks), WEBHOOK_CONSUMER)),
    ]


def observe(
    worker: Worker, hooks: Hooks, registry: ISessionRegistry, watchers: IWatchers, bus: INodeBus
) -> None:
    """Have hooks and watching nodes told of what a worker commits."""
    worker.observe(SessionHooks(hooks, registry).committed)
    worker.observe(MessageHooks(hooks).committed)
    worker.observe(PresenceHints(watchers, bus).committed)
