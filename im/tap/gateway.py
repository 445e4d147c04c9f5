"""`twistd im-gateway`: from the command line to the service."""

import os
import signal
from typing import cast

from twisted.application.service import IService
from twisted.internet import reactor
from twisted.internet.base import ReactorBase

from im.tap import statedir
from im.tap.embedded import build_embedded
from im.tap.node import NodeService, sentence
from im.tap.options import Options
from im.tap.parts import EmbeddedParts
from im.tap.polling import poll_without_log_context
from im.tap.process import Exit, INodeReactor, allow_many_files, collect_rarely, end_with_supervisor
from im.tap.steady import keep_steady_time
from im.tap.systemd import notify

__all__ = ["Options", "makeService"]


def makeService(options: Options) -> IService:
    """Make the service of a node. Nothing is opened yet: twistd may still fork."""
    config = options.config
    end_with_supervisor(os.environ)
    os.umask(0o077)
    try:
        statedir.make(config.state_dir)
    except OSError as error:
        raise SystemExit(f"im-gateway: {sentence(error)}") from None
    allow_many_files()
    running = cast(INodeReactor, reactor)
    keep_steady_time(cast(ReactorBase, reactor))
    poll_without_log_context(running)
    running.callWhenRunning(collect_rarely)
    service = NodeService(
        config,
        running,
        lambda end: EmbeddedParts(config, running, build_embedded, end),
        Exit(running).fail,
        notify,
    )
    signal.signal(signal.SIGHUP, lambda _number, _frame: running.callFromThread(service.reload))
    return service
