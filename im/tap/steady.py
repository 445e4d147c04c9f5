"""A reactor whose time goes on evenly, whatever is done to the wall clock of the machine.

Twisted takes its time from the wall clock. Set back by an hour, that clock would keep every timer of
the node waiting for an hour: no heartbeat would be missed, no request time out.
"""

import time

from twisted.internet.base import ReactorBase


def keep_steady_time(reactor: ReactorBase) -> None:
    """Let the reactor go by the monotonic clock. Before anything is scheduled on it."""
    if reactor.getDelayedCalls():
        raise ValueError("calls are scheduled already, by the wall clock")
    reactor.seconds = time.monotonic
