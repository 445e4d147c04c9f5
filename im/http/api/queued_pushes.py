"""Pushes that a back end leaves in a queue, in the schema of `POST /v1/push`: each is done once."""

from collections.abc import Callable

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from im.core.errors import RefusedError, invalid
from im.http.api.decoding import decoded
from im.http.api.once import Once, asked
from im.http.api.push import PushDesk, PushInput
from im.ports import IStore

OWNER = "queue"
"""Whose idempotency keys the message ids are."""

_KEY = "message_id"


class QueuedPushes:
    """Takes them one after the other; `token` makes ids of pushes."""

    _log = Logger()

    def __init__(self, store: IStore, desk: PushDesk, token: Callable[[], bytes]) -> None:
        self._once = Once(store)
        self._desk = desk
        self._token = token

    def take(self, content: bytes, key: str) -> "Deferred[None]":
        """Fires when it is stored, or sent. Fails with `RefusedError`, or `UnavailableError`: not now."""
        return Deferred.fromCoroutine(self._take(content, key))

    async def _take(self, content: bytes, key: str) -> None:
        if not key:
            raise RefusedError(invalid(_KEY, f"a push must have a {_KEY}, so that it is done once"))
        what = asked(OWNER, key, "PUSH", b"", content)
        push: PushInput = decoded(content, PushInput)
        if push.wait != "stored":
            raise RefusedError(invalid("wait", "nobody waits for the answer to what is queued"))

        async def work(token: bytes) -> bytes:
            answer = await self._desk.push(push, token)
            if answer.unknown:
                text = "push {key}: {unknown} of its users are not known, such as {first}"
                self._log.warn(text, key=key, unknown=len(answer.unknown), first=answer.unknown[0])
            return msgspec.json.encode(answer)

        await self._once.answer(what, self._token(), work)
