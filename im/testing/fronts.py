"""Simulated client processes that run the Twisted front, as apps and bots do."""

import itertools
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import deferLater

from im.client.client import Client
from im.client.core import events
from im.client.core.state import Unsent
from im.client.settings import ClientSettings, ClientStatus, Status
from im.core.messages import Head
from im.testing.clients import SimulatedClient


class FrontClient(SimulatedClient):
    """A `SimulatedClient` whose processes run `im.client.client.Client`.

    For worlds whose first syncs come in one page.
    """

    def _run(self) -> None:
        around = self._around
        settings = ClientSettings(
            addresses=("tcp:node:1",), token=self.user, state=self._disk, timing=self._settings.timing
        )
        endpoint = around.network.endpoint(self.name, self.process)
        self.client = client = Client(
            settings,
            self.process,
            endpoints=lambda address: endpoint,
            random=around.random,
            now_ms=self._now_ms,
        )
        self.core = client._core
        self._numbers = itertools.count()
        client.on_message(self._told)
        client.on_cursor(self._cursor_moved)
        client.on_head(self._head_told)
        client.on_send(self._happened)
        client.on_audit(self._audit_found)
        client.on_state(self._status_changed)
        client.start()

    def _say(self, message: Unsent) -> None:
        sent = self.client.send_content(
            message.conversation, message.kind, message.content, message.seen_seq, message.client_msg_id
        )
        sent.addErrback(lambda failure: None)  # told by the observer, too

    def read(self, conversation: str, seq: int) -> None:
        """See `SimulatedClient`."""
        self._seen[conversation] = max(seq, self._seen.get(conversation, 0))
        self._around.history.reading(self.user, conversation, seq)
        number = next(self._numbers)
        self._reads[number] = (conversation, seq)
        self.client.read(conversation, seq).addCallback(self._was_read, number)

    def refresh(self) -> None:
        """See `SimulatedClient`."""
        self._refreshes.add(0)
        self.client.heads().addCallback(lambda _: self._refreshes.discard(0))

    def _turn(self) -> None:
        """The front takes its own turns."""

    def _was_read(self, moved: events.CursorMoved, number: int) -> None:
        conversation, seq = self._reads.pop(number)
        self._around.history.read(self.user, conversation, seq)

    def _told(self, message: events.Message) -> "Deferred[Any]":
        self._message(message)
        return deferLater(self.process, self.handling) if self.handling else succeed(None)

    def _take_in(self, message: events.Message) -> None:
        """The front tells the core when the observer's Deferred has fired."""

    def _head_told(self, head: Head) -> None:
        self._head_changed(events.HeadChanged(head))

    def _status_changed(self, status: ClientStatus) -> None:
        self.was_sent_away = status.status is Status.AWAY
