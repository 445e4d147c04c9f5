"""Signed tokens: JWTs with HS256, whose header names the key.

Claims: `sub` the user, `iat` and `exp` in Unix seconds, `scope` words separated by spaces (without
it: `user`), and `nbf` if there. The clocks of whoever signs and ours may differ by `skew` seconds.
"""

import base64
import json
from collections.abc import Callable, Iterable

from jwt import PyJWK, PyJWTError
from jwt.api_jws import PyJWS

from im.adapters.token.claims import TokenRefusedError, check_times
from im.adapters.token.keys import KeyRing
from im.core.ids import id_problem
from im.ports import Identity

USER_SCOPE = "user"
ADMIN_SCOPE = "admin"

_ALGORITHMS = ["HS256"]
_MAX_TOKEN_CHARACTERS = 4_096
_KNOWN_HEADERS = 64
_USER_ONLY = frozenset({USER_SCOPE})


class SignedTokens:
    """Makes and checks tokens. `now` tells Unix seconds."""

    def __init__(self, ring: KeyRing, now: Callable[[], float], skew: float) -> None:
        self._now = now
        self._skew = skew
        self._jws = PyJWS(algorithms=_ALGORITHMS)
        self.use(ring)

    def use(self, ring: KeyRing) -> None:
        """Sign and check with these keys from now on."""
        self._active = ring.active
        self._keys = {kid: _as_jwk(key) for kid, key in ring.keys.items()}
        # What a header means, by its text: signers repeat the same few.
        self._known_headers: dict[str, PyJWK] = {}

    def mint(self, user: str, seconds: float, scopes: Iterable[str] = _USER_ONLY) -> str:
        """A token for a user that is good for `seconds` from now. Raises `ValueError` for a bad user id."""
        problem = id_problem(user, "user")
        if problem is not None:
            raise ValueError(problem.text)
        now = self._now()
        # To the millisecond, so that a token made right after a logout of its device counts.
        times = {"iat": round(now, 3), "exp": int(now) + int(seconds)}
        claims = {"sub": user, **times, "scope": " ".join(sorted(scopes))}
        payload = json.dumps(claims, separators=(",", ":")).encode()
        return self._jws.encode(
            payload, self._keys[self._active], algorithm="HS256", headers={"kid": self._active}
        )

    def verify(self, token: str) -> Identity:
        """Whom a token speaks for. Raises `TokenRefusedError` (`unauthenticated`, `expired`)."""
        claims = self._checked_claims(token)
        user = claims.get("sub")
        if not isinstance(user, str) or id_problem(user, "sub") is not None:
            raise TokenRefusedError("claims", "the token names no valid user in sub")
        if "iat" not in claims:
            raise TokenRefusedError("claims", "the token has no valid iat")
        issued_at, expires_at = check_times(claims, self._now(), self._skew)
        return Identity(user, expires_at, _scopes(claims), issued_at)

    def _checked_claims(self, token: str) -> dict[str, object]:
        if len(token) > _MAX_TOKEN_CHARACTERS:
            raise TokenRefusedError("malformed", "the token is too long")
        header = token.partition(".")[0]
        key = self._known_headers.get(header)
        try:
            if key is None:
                key = self._named_key(token)
            claims = json.loads(self._jws.decode(token, key, _ALGORITHMS))
        except (PyJWTError, ValueError, RecursionError):
            # Not chained: the cause may quote the token.
            raise TokenRefusedError("signature", "the token is not signed by a key of ours") from None
        if not isinstance(claims, dict):
            raise TokenRefusedError("claims", "the token holds no claims")
        if len(self._known_headers) < _KNOWN_HEADERS:
            self._known_headers[header] = key
        return claims

    def _named_key(self, token: str) -> PyJWK:
        """The key that a token asks to be checked with. Raises what PyJWT raises, or `ValueError`."""
        kid = self._jws.get_unverified_header(token).get("kid")
        key = self._keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise ValueError("unknown kid")
        return key


def _as_jwk(key: bytes) -> PyJWK:
    # As a JWK the key is prepared once; raw bytes PyJWT would examine at each call.
    encoded = base64.urlsafe_b64encode(key).rstrip(b"=").decode()
    return PyJWK({"kty": "oct", "k": encoded}, "HS256")


def _scopes(claims: dict[str, object]) -> frozenset[str]:
    scope = claims.get("scope")
    if scope is None:
        return _USER_ONLY
    if not isinstance(scope, str):
        raise TokenRefusedError("claims", "the token's scope is no text")
    return frozenset(scope.split())
