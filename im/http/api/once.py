"""Idempotency keys: a request that is repeated under its key is done once, and gets its first answer."""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import NamedTuple

from twisted.internet.defer import Deferred

from im.core.backends import KeepAnswer, Remember, Remembered
from im.core.errors import RefusedError, accepted, invalid
from im.ports import IStore

HEADER = "Idempotency-Key"
_CHARACTERS = 128
_KEPT_BYTES = 65_536
"""A longer answer is made anew, by the same work under the same token, which changes nothing."""

Work = Callable[[bytes], Awaitable[bytes]]
"""Does the work that a token names, and gives the answer's body."""


class Asked(NamedTuple):
    """What is asked, by whom, under which key."""

    owner: str
    key: str
    digest: bytes


def asked(owner: str, key: str, method: str, uri: bytes, body: bytes) -> Asked:
    """Of a request to a path with its parameters. Raises `RefusedError` for a bad key."""
    if not 1 <= len(key) <= _CHARACTERS or not key.isascii() or not key.isprintable():
        raise RefusedError(invalid(HEADER, f"{HEADER} must be printable ASCII of 1 to {_CHARACTERS}"))
    return Asked(owner, key, sha256(b"\0".join((method.encode(), uri, body))).digest())


class Once:
    """Does requests once. One that is repeated while the first runs in this process waits for its end."""

    def __init__(self, store: IStore) -> None:
        self._store = store
        self._waiting: dict[tuple[str, str], list[Deferred[None]]] = {}

    async def answer(self, what: Asked, token: bytes, work: Work) -> tuple[bytes, bool]:
        """The answer's body, and whether it is one that was given before.

        A request that was begun and never ended is gone on with, under its first token.
        """
        key = what.owner, what.key
        while key in self._waiting:
            ended: Deferred[None] = Deferred()
            self._waiting[key].append(ended)
            await ended
        self._waiting[key] = []
        try:
            return await self._answer(what, token, work)
        finally:
            for ended in self._waiting.pop(key):
                ended.callback(None)

    async def _answer(self, what: Asked, token: bytes, work: Work) -> tuple[bytes, bool]:
        (result,) = await self._store.write([Remember(*what, token)])
        begun = accepted(result, Remembered)
        if begun.status:
            return begun.body, True
        body = await work(begun.token)
        if len(body) <= _KEPT_BYTES:
            await self._store.write([KeepAnswer(what.owner, what.key, 200, body)])
        return body, False
