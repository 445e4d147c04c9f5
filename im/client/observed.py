"""What a client tells its program: one method for each kind of observer."""

from collections.abc import Callable
from typing import Any

from im.client.core import events
from im.client.observers import MessageObserver, Observers
from im.client.settings import ClientStatus
from im.core.messages import Head
from im.core.presence import Presence


class Observed:
    """The observers of a client. They are called on a later turn; one that raises is logged."""

    _observers: Observers

    def on_message(self, observer: MessageObserver) -> None:
        """Call `observer(Message)` for every new message, in order within each conversation.

        It counts as received (acknowledged, and not given again) when the observer has returned, or
        the Deferred or coroutine that it returned has ended. Without such an observer messages wait,
        at last on the server.
        """
        self._observers.add_for_messages(observer)

    def on_cursor(self, observer: Callable[[events.CursorMoved], Any]) -> None:
        """Call `observer` when a read or delivered cursor, one's own or another's, moved."""
        self._observers.add(events.CursorMoved, observer)

    def on_head(self, observer: Callable[[Head], Any]) -> None:
        """Call `observer(Head)` when a sync told something new about a conversation."""
        self._observers.add(events.HeadChanged, lambda event: observer(event.head))

    def on_send(self, observer: Callable[[events.SendState], Any]) -> None:
        """Call `observer` when a message of this client is pending again, unknown, sent or failed."""
        for kind in (events.SendPending, events.SendUnknown, events.Sent, events.SendFailed):
            self._observers.add(kind, observer)

    def on_state(self, observer: Callable[[ClientStatus], Any]) -> None:
        """Call `observer` when the client's status changed."""
        self._observers.add(ClientStatus, observer)

    def on_signal(self, observer: Callable[[events.AppBody], Any]) -> None:
        """Call `observer(AppBody)` when an app's type comes unasked."""
        self._observers.add(events.Signalled, lambda event: observer(event.signal))

    def on_event(self, observer: Callable[[events.Pushed], Any]) -> None:
        """Call `observer(Pushed)` when a generic event comes as a signal.

        What is pushed to the inbox comes as a message; `im.client.pushed` opens it.
        """
        self._observers.add(events.Pushed, observer)

    def on_presence(self, observer: Callable[[Presence], Any]) -> None:
        """Call `observer(Presence)` when more, or something else, is known of a user who is watched."""
        self._observers.add(events.PresenceChanged, lambda event: observer(event.presence))

    def on_audit(self, observer: Callable[[events.AuditFound], Any]) -> None:
        """Call `observer` when an audit found what no push had told: for metrics."""
        self._observers.add(events.AuditFound, observer)
