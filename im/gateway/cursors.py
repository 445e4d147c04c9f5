"""Delivered cursors on their way to the store: at most one write an interval, conversation and user."""

from im.core.commands import Result
from im.core.errors import Refused
from im.core.ids import INBOX
from im.core.messages import MoveDelivered
from im.gateway.pool import Pool
from im.gateway.requests import Requests
from im.gateway.ticker import TICK_SECONDS, Ticker

MAX_WAITING = 100_000
"""Cursors; what comes beyond is dropped: a later acknowledgement says it again."""

MAX_WAITING_OF_USER = 1_000
"""Cursors; so that nobody who makes conversations up takes the places of others."""

_INBOX = f"{INBOX}~"

WRITES_AT_ONCE = 2_000
"""In one go, so that neither the reactor nor the request table is full of cursors; the next tick goes on."""


class DeliveredCursors:
    """(user, conversation, device, foreground) -> the furthest acknowledged seq that is not written yet.

    Only of an inbox the device matters: back ends ask which ones have a push, and wait for it. An app
    in the foreground reached the user with it, one in the background didn't.
    """

    def __init__(self, requests: Requests, pool: Pool, ticker: Ticker, seconds: float) -> None:
        self._requests = requests
        self._pool = pool
        self._ticker = ticker
        self._seconds = seconds
        self._waiting: dict[tuple[str, str, str, bool], int] = {}
        self._of_user: dict[str, int] = {}
        self._is_scheduled = False
        self.in_flight = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def note(
        self, user: str, conversation: str, seq: int, device: str = "", is_foreground: bool = True
    ) -> None:
        """A device of the user, its app in the foreground or not, acknowledged everything up to `seq`."""
        is_inbox = conversation.startswith(_INBOX)
        key = (user, conversation, device if is_inbox else "", is_foreground)
        noted = self._waiting.get(key, 0)
        if seq <= noted:
            return
        if not noted:
            of_user = self._of_user.get(user, 0)
            if of_user >= MAX_WAITING_OF_USER or len(self._waiting) >= MAX_WAITING:
                return
            self._of_user[user] = of_user + 1
        self._waiting[key] = seq
        self._schedule(min(TICK_SECONDS, self._seconds) if is_inbox else self._seconds)

    def flush(self) -> None:
        """Write what waits, a bounded number of cursors."""
        for key in list(self._waiting)[:WRITES_AT_ONCE]:
            user, conversation, device, is_foreground = key
            command = MoveDelivered(conversation, user, self._waiting.pop(key), device, is_foreground)
            self._leave(user)
            self._requests.submit(command, "", self, command, self._written)

    def _due(self) -> None:
        self._is_scheduled = False
        is_all = len(self._waiting) <= WRITES_AT_ONCE
        self.flush()
        if not is_all:
            self._schedule(TICK_SECONDS)

    def _leave(self, user: str) -> None:
        self._of_user[user] -= 1
        if not self._of_user[user]:
            del self._of_user[user]

    def _schedule(self, seconds: float) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._ticker.after(seconds, self._due)

    def _written(self, command: MoveDelivered, result: Result) -> None:
        """A write that may succeed later is repeated while its user is here to wait for it."""
        if isinstance(result, Refused) and result.code.is_retryable and self._pool.of_user(command.user):
            conversation, user, seq, device, is_foreground = command
            self.note(user, conversation, seq, device, is_foreground)
