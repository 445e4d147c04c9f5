"""What back ends send, checked against the schema that the API describes."""

from typing import Any

import msgspec

from im.core.errors import Refused, RefusedError, invalid


def decoded(content: bytes, kind: Any) -> Any:
    """JSON of a kind. Raises `RefusedError`, which names the field."""
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise RefusedError(refusal(error)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise RefusedError(invalid("body", "the body must be JSON")) from None


def refusal(error: msgspec.ValidationError) -> Refused:
    """What did not fit, and where."""
    text, _, place = str(error).partition(" - at `$")
    return invalid(place.rstrip("`").lstrip(".") or "body", text)
