"""Waiting for a delivery to be acknowledged, for whoever asks."""

from twisted.internet.defer import Deferred

from im.core.window import DeliveryWindow


class GivenUpError(Exception):
    """A delivery was not acknowledged; its message is in the store, and the next sync brings it."""


def when_delivered(window: DeliveryWindow | None, conversation: str, seq: int) -> Deferred[None]:
    """Fires when a delivery that is in flight was acknowledged; fails with `GivenUpError`."""
    deferred: Deferred[None] = Deferred()

    def settle(arrived: bool) -> None:
        if arrived:
            deferred.callback(None)
        else:
            deferred.errback(GivenUpError(f"{conversation} {seq}"))

    if window is None or not window.wait(conversation, seq, settle):
        settle(False)
    return deferred
