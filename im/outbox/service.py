"""A whole relay on a reactor: its thread, its database, its way to a node."""

from secrets import SystemRandom, token_hex
from time import time_ns
from typing import Any

from sqlalchemy import Engine

from im.outbox.notes import Tell, log_note
from im.outbox.posting import Poster
from im.outbox.relay import Relay, RelayParts, RelaySettings
from im.outbox.request import MS
from im.outbox.rows import Rows
from im.outbox.thread import DatabaseThread


class RelayService:
    """A relay that runs in any program on Twisted, beside others on the same database.

    The engine stays its owner's; it is used from one thread of the relay's own.

    >>> service = RelayService(reactor, engine, Poster(reactor, "http://127.0.0.1:7280", key))
    >>> running = Deferred.fromCoroutine(service.run())
    >>> service.relay.stop()  # and then `running` fires
    """

    def __init__(
        self,
        reactor: Any,
        engine: Engine,
        poster: Poster,
        settings: RelaySettings | None = None,
        tell: Tell = log_note,
    ) -> None:
        settings = settings or RelaySettings()
        self._poster = poster
        self._thread = DatabaseThread(reactor)
        rows = Rows(engine, token_hex(8), int(settings.lease * MS))
        parts = RelayParts(rows, poster, self._thread, _now_ms, SystemRandom().random, tell)
        self.relay = Relay(reactor, parts, settings)

    async def run(self, *, is_once: bool = False) -> None:
        """Deliver until `relay.stop`, or once what can go now.

        Cancel it not: what is under way would wait until its lease ends.
        """
        try:
            await self.relay.run(is_once=is_once)
        finally:
            self._thread.stop()
            await self._poster.close()


def _now_ms() -> int:
    return time_ns() // 1_000_000
