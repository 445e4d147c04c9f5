"""API keys: what a back end proves itself by. Only a key's hash is stored."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import NamedTuple

from im.core.backends import SCOPES, ApiKey, ApiKeys, CreateKey, FindKey, ListKeys, RevokeKey
from im.core.errors import Code, Refused, RefusedError, accepted, invalid
from im.ports import IStore

PREFIX = "imk_"
_SECRET_BYTES = 32
_ID_BYTES = 6
_NAME_CHARACTERS = 64
FRESH_SECONDS = 2.0
"""How long a key is believed without another look: as long it still opens after its end elsewhere."""

_REMEMBERED = 1_024


class NewKey(NamedTuple):
    """A key, and its text: shown once, to whoever made it."""

    key: ApiKey
    text: str


class Keys:
    """Makes, finds and revokes keys. `random(n)` gives n bytes of chance, `now` is monotonic, in seconds."""

    def __init__(self, store: IStore, random: Callable[[int], bytes], now: Callable[[], float]) -> None:
        self._store = store
        self._random = random
        self._now = now
        self._fresh: OrderedDict[bytes, tuple[float, ApiKey]] = OrderedDict()

    async def create(self, name: str, scopes: Sequence[str]) -> NewKey:
        """Make a key. Raises `RefusedError` for a bad name or an unknown scope."""
        unknown = sorted({*scopes} - {*SCOPES})
        if unknown or not scopes:
            raise RefusedError(invalid("scopes", f"scopes must be some of {', '.join(SCOPES)}"))
        if not 1 <= len(name) <= _NAME_CHARACTERS or not name.isprintable():
            raise RefusedError(
                invalid("name", f"name must be printable, of 1 to {_NAME_CHARACTERS} characters")
            )
        text = PREFIX + self._random(_SECRET_BYTES).hex()
        chosen = tuple(each for each in SCOPES if each in scopes)
        create = CreateKey(self._random(_ID_BYTES).hex(), _digest(text), name, chosen)
        (result,) = await self._store.write([create])
        return NewKey(accepted(result, ApiKey), text)

    async def revoke(self, key_id: str) -> ApiKey:
        """Let a key in no more, here at once, elsewhere within `FRESH_SECONDS`."""
        (result,) = await self._store.write([RevokeKey(key_id)])
        self._fresh.clear()
        return accepted(result, ApiKey)

    async def all(self) -> tuple[ApiKey, ...]:
        """Every key, revoked ones too, the oldest first."""
        result = await self._store.read(ListKeys())
        assert isinstance(result, ApiKeys)
        return result.keys

    async def find(self, text: str) -> ApiKey:
        """The key of this text. Raises `RefusedError` (`unauthenticated`)."""
        digest = _digest(text)
        fresh = self._fresh.get(digest)
        if fresh is not None and self._now() < fresh[0]:
            return fresh[1]
        found = await self._store.read(FindKey(digest))
        if not isinstance(found, ApiKey) or found.revoked_ms:
            self._fresh.pop(digest, None)
            raise RefusedError(Refused(Code.UNAUTHENTICATED, "this key is not valid here"))
        self._fresh[digest] = self._now() + FRESH_SECONDS, found
        self._fresh.move_to_end(digest)
        if len(self._fresh) > _REMEMBERED:
            self._fresh.popitem(last=False)
        return found


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
