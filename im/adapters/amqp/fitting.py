"""Bytes of a newer program: what its classes have beside ours at the end is left out."""

from functools import cache
from types import UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

T = TypeVar("T")
_hints = cache(get_type_hints)
_pack = msgspec.msgpack.Encoder().encode


class FittingDecoder(Generic[T]):
    """Decodes msgpack to a type. Only what doesn't fit at once is looked at field by field."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._decode = msgspec.msgpack.Decoder(kind).decode

    def decode(self, body: bytes | msgspec.Raw) -> T:
        """Raises msgspec's errors."""
        try:
            value: T = self._decode(body)
        except msgspec.ValidationError:
            value = msgspec.convert(_fitted(msgspec.msgpack.decode(body), self._kind), self._kind)
        return value


def _fitted(value: Any, hint: Any) -> Any:
    if hint is msgspec.Raw:
        return msgspec.Raw(_pack(value))
    arguments = get_args(hint)
    if isinstance(value, dict):
        fits = get_origin(hint) is dict
        return {key: _fitted(each, arguments[1]) for key, each in value.items()} if fits else value
    if not isinstance(value, list) or not (arguments or hasattr(hint, "_fields")):
        return value
    if hasattr(hint, "_fields"):
        hints = _hints(hint)
        return [_fitted(each, hints[name]) for each, name in zip(value, hint._fields, strict=False)]
    if get_origin(hint) in (UnionType, Union):
        return _fitted(value, next(each for each in arguments if each is not type(None)))
    if get_origin(hint) is tuple and arguments[-1] is not Ellipsis:
        return [_fitted(each, of) for each, of in zip(value, arguments, strict=False)]
    return [_fitted(each, arguments[0]) for each in value]
