"""Delivered cursors on their way to the store: at most one write an interval, conversation and user."""

from functools import partial

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


Key = tuple[str, str, str, bool]
"""User, conversation, device, foreground."""


class _Queue:
    """The furthest acknowledged seqs that are written together, `seconds` after the first of them."""

    __slots__ = ("is_scheduled", "seconds", "waiting")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.waiting: dict[Key, int] = {}
        self.is_scheduled = False


class DeliveredCursors:
    """What was acknowledged and is not written yet; of an inbox soon, since back ends wait for it.

    Only of an inbox the device matters: back ends ask which ones have a push. An app in the foreground
    reached the user with it, one in the background didn't.
    """

    def __init__(self, requests: Requests, pool: Pool, ticker: Ticker, seconds: float) -> None:
        self._requests = requests
        self._pool = pool
        self._ticker = ticker
        self._chats = _Queue(seconds)
        self._inboxes = _Queue(min(TICK_SECONDS, seconds))
        self._of_user: dict[str, int] = {}
        self.in_flight = 0

    def __len__(self) -> int:
        return len(self._chats.waiting) + len(self._inboxes.waiting)

    def note(
        self, user: str, conversation: str, seq: int, device: str = "", is_foreground: bool = True
    ) -> None:
        """A device of the user, its app in the foreground or not, acknowledged everything up to `seq`."""
        if conversation.startswith(_INBOX):
            queue, key = self._inboxes, (user, conversation, device, is_foreground)
        else:
            queue, key = self._chats, (user, conversation, "", is_foreground)
        noted = queue.waiting.get(key, 0)
        if seq <= noted:
            return
        if not noted:
            of_user = self._of_user.get(user, 0)
            if of_user >= MAX_WAITING_OF_USER or len(self) >= MAX_WAITING:
                return
            self._of_user[user] = of_user + 1
        queue.waiting[key] = seq
        if not queue.is_scheduled:
            self._schedule(queue, queue.seconds)

    def flush(self) -> None:
        """Write what waits, a bounded number of cursors."""
        self._write(self._inboxes)
        self._write(self._chats)

    def _write(self, queue: _Queue) -> None:
        for key in list(queue.waiting)[:WRITES_AT_ONCE]:
            user, conversation, device, is_foreground = key
            command = MoveDelivered(conversation, user, queue.waiting.pop(key), device, is_foreground)
            self._leave(user)
            self._requests.submit(command, "", self, command, self._written)

    def _due(self, queue: _Queue) -> None:
        queue.is_scheduled = False
        is_all = len(queue.waiting) <= WRITES_AT_ONCE
        self._write(queue)
        if not is_all:
            self._schedule(queue, TICK_SECONDS)

    def _leave(self, user: str) -> None:
        self._of_user[user] -= 1
        if not self._of_user[user]:
            del self._of_user[user]

    def _schedule(self, queue: _Queue, seconds: float) -> None:
        if not queue.is_scheduled:
            queue.is_scheduled = True
            self._ticker.after(seconds, partial(self._due, queue))

    def _written(self, command: MoveDelivered, result: Result) -> None:
        """A write that may succeed later is repeated while its user is here to wait for it."""
        if isinstance(result, Refused) and result.code.is_retryable and self._pool.of_user(command.user):
            conversation, user, seq, device, is_foreground = command
            self.note(user, conversation, seq, device, is_foreground)
