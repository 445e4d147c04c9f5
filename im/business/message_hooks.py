"""Tells hooks of messages that are stored."""

from collections.abc import Sequence

from im.business.hooks import Hooks
from im.core.commands import Request, Result
from im.core.messages import Send, Sent
from im.hook import StoredMessage

AFTER_MESSAGE = "after_message"


class MessageHooks:
    """An observer of a worker; looks at nothing while nobody wants to know."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._is_wanted = hooks.wants(AFTER_MESSAGE)

    def committed(self, requests: Sequence[Request], results: Sequence[Result]) -> None:
        """Take a committed batch."""
        if not self._is_wanted:
            return
        for request, result in zip(requests, results, strict=True):
            send = request.command
            if type(result) is Sent and type(send) is Send and not result.duplicate:
                who = (send.sender, send.client_msg_id, send.kind, send.content)
                stored = StoredMessage(result.conversation, result.seq, *who, result.time_ms)
                self._hooks.tell(AFTER_MESSAGE, result.conversation, stored)
