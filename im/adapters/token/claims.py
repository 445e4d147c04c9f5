"""What all tokens have in common: their times, and why they are refused."""

from collections.abc import Mapping

from im.core.errors import Code, Refused, RefusedError

_END_OF_TIME = 1e12  # Unix seconds; also false for NaN


class TokenRefusedError(RefusedError):
    """A token that is not taken. `reason` is one word of a few, to be counted by."""

    def __init__(self, reason: str, text: str, code: Code = Code.UNAUTHENTICATED) -> None:
        super().__init__(Refused(code, text))
        self.reason = reason


def check_times(claims: Mapping[str, object], now: float, skew: float) -> tuple[float, float]:
    """Returns `iat` (0 without one) and `exp`, all in Unix seconds. Raises `TokenRefusedError`.

    Whoever signs may have a clock that differs from ours by `skew` seconds.
    """
    expires_at = _time_claim(claims, "exp")
    issued_at = _time_claim(claims, "iat", 0.0)
    if max(issued_at, _time_claim(claims, "nbf", 0.0)) > now + skew:
        raise TokenRefusedError("future", "the token is from the future; compare the clocks")
    if expires_at <= now - skew:
        raise TokenRefusedError("expired", "the token has expired", Code.EXPIRED)
    return issued_at, expires_at


def _time_claim(claims: Mapping[str, object], name: str, default: float | None = None) -> float:
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _END_OF_TIME:
        raise TokenRefusedError("claims", f"the token has no valid {name}")
    return float(value)
