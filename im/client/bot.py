"""Bots: a client that answers texts."""

import hashlib
import os
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from im.client.client import Client
from im.client.core.events import Message, Sent
from im.client.environment import environment_settings
from im.client.errors import ClientError
from im.client.settings import ClientSettings, ClientStatus, Status
from im.core.ids import uuid7


class Incoming:
    """A text that somebody sent, and the way to answer it."""

    def __init__(self, client: Client, message: Message) -> None:
        self._client = client
        self._replies = 0
        self.message = message
        self.text = message.text
        self.sender = message.sender
        self.conversation = message.conversation

    def reply(self, text: str) -> Deferred[Sent]:
        """Answer in the same conversation; the incoming text counts as read. See `Client.send`.

        The answer's id follows from what it answers: a bot that is killed and given the same text
        again does not answer twice. If it then answers otherwise, that fails with `ConflictError`.
        """
        message = self.message
        source = f"{message.conversation}/{message.seq}/{self._replies}/".encode() + message.client_msg_id
        self._replies += 1
        reply_id = uuid7(message.server_time_ms, hashlib.sha256(source).digest())
        return self._client.send(message.conversation, text, seen_seq=message.seq, client_msg_id=reply_id)


Handler = Callable[[Incoming], Any]


class Bot:
    """Calls handlers for the texts of others. One that raises is logged, and the bot lives.

    >>> bot = Bot()
    >>> @bot.on_text
    ... async def echo(incoming):
    ...     await incoming.reply(incoming.text)
    >>> bot.run()  # doctest: +SKIP
    """

    def __init__(self) -> None:
        self._handlers: list[Handler] = []

    def on_text(self, handler: Handler) -> Handler:
        """Call `handler(Incoming)`, a plain or a coroutine function, for each text. A decorator."""
        self._handlers.append(handler)
        return handler

    def attach(self, client: Client) -> None:
        """Answer what `client` receives."""
        for handler in self._handlers:
            client.on_message(_Listener(client, handler))

    def run(self, settings: ClientSettings | None = None) -> None:
        """Run until interrupted, or told to stay away. Without settings the environment tells them."""
        try:
            chosen = settings or environment_settings(os.environ)
        except ClientError as error:
            raise SystemExit(f"{error}") from error
        react(lambda reactor: Deferred.fromCoroutine(self._run(reactor, chosen)))

    async def _run(self, reactor: Any, settings: ClientSettings) -> None:
        client = Client(settings, reactor)
        self.attach(client)
        reactor.addSystemEventTrigger("before", "shutdown", client.stop)
        away: Deferred[None] = Deferred()

        def watch(status: ClientStatus) -> None:
            if status.status is Status.AWAY:
                away.errback(ClientError(status.reason))

        client.on_state(watch)
        client.start()
        await away


class _Listener:
    def __init__(self, client: Client, handler: Handler) -> None:
        self._client = client
        self._handler = handler

    def __call__(self, message: Message) -> Any:
        if not message.text or message.sender == self._client.user:
            return None
        return self._handler(Incoming(self._client, message))
