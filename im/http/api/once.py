"""Idempotency keys: a request that is repeated under its key is done once, and gets its first answer."""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import NamedTuple

from im.core.backends import KeepAnswer, Remember, Remembered
from im.core.errors import Refused, RefusedError, invalid
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


def asked(owner: str, key: str, method: str, path: bytes, body: bytes) -> Asked:
    """Raises `RefusedError` for a bad key."""
    if not 1 <= len(key) <= _CHARACTERS or not key.isascii() or not key.isprintable():
        raise RefusedError(invalid(HEADER, f"{HEADER} must be printable ASCII of 1 to {_CHARACTERS}"))
    return Asked(owner, key, sha256(b"\0".join((method.encode(), path, body))).digest())


async def once(store: IStore, what: Asked, token: bytes, work: Work) -> tuple[bytes, bool]:
    """The answer's body, and whether it is one that was given before.

    A request that was begun and never ended is gone on with, under its first token.
    """
    (begun,) = await store.write([Remember(*what, token)])
    if isinstance(begun, Refused):
        raise RefusedError(begun)
    assert isinstance(begun, Remembered)
    if begun.status:
        return begun.body, True
    body = await work(begun.token)
    if len(body) <= _KEPT_BYTES:
        await store.write([KeepAnswer(what.owner, what.key, 200, body)])
    return body, False
