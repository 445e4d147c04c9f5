"""What every process of ours does before its service runs."""

import os
import signal
from collections.abc import Callable
from typing import cast

from twisted.application.service import IService
from twisted.internet import reactor
from twisted.internet.base import ReactorBase

from im.tap import statedir
from im.tap.config import Config
from im.tap.node import NodeService, Parts, sentence
from im.tap.options import Options
from im.tap.polling import poll_without_log_context
from im.tap.process import Exit, INodeReactor, allow_many_files, collect_rarely, end_with_supervisor
from im.tap.steady import keep_steady_time
from im.tap.systemd import notify

Compose = Callable[[Config, INodeReactor, Callable[[str], None]], Parts]
"""Composes the parts of a process; the last argument ends it, saying why."""


def make_service(options: Options, compose: Compose) -> IService:
    """The service of a process whose parts `compose` makes."""
    config = options.config
    end_with_supervisor(os.environ)
    os.umask(0o077)
    try:
        statedir.make(config.state_dir)
    except OSError as error:
        raise SystemExit(f"{options.program}: {sentence(error)}") from None
    allow_many_files()
    running = cast(INodeReactor, reactor)
    keep_steady_time(cast(ReactorBase, reactor))
    poll_without_log_context(running)
    running.callWhenRunning(collect_rarely)
    service = NodeService(
        config,
        running,
        lambda end: compose(config, running, end),
        Exit(running, options.program).fail,
        notify,
    )
    service.setName(options.program)
    signal.signal(signal.SIGHUP, lambda _number, _frame: running.callFromThread(service.reload))
    return service
