"""Checks a JWT against public keys and rules; knows nothing of where keys come from.

RS256 with 2048 bits costs about 40 µs, ES256 and EdDSA 60 to 80: cheap enough for the reactor's
thread.
"""

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple

from jwt import PyJWTError
from jwt.api_jws import PyJWS

from im.adapters.jwt.public_keys import ALGORITHMS, PublicKeys
from im.adapters.token.claims import TokenRefusedError, check_times
from im.core.ids import id_problem
from im.ports import Identity

_MAX_TOKEN_CHARACTERS = 8_192
_USER_ONLY = frozenset({"user"})


class TokenRules(NamedTuple):
    """What a token must say. An empty `issuer` or `audience` takes any; `skew` is seconds.

    `user_claim` names the claim that holds the user's id; with dots, one inside another.
    """

    issuer: str
    audience: str
    user_claim: str
    skew: float


class UnknownKeyError(Exception):
    """The token names a key that is not among those known."""


class Header(NamedTuple):
    """How a token says that it is signed. Not to be believed, only to be looked up."""

    algorithm: str
    kid: str | None


class JwtVerifier:
    """Tells whom a token speaks for. `now` tells Unix seconds."""

    def __init__(self, rules: TokenRules, now: Callable[[], float]) -> None:
        self._rules = rules
        self._now = now
        self._jws = PyJWS(algorithms=list(ALGORITHMS))

    def header(self, token: str) -> Header:
        """Read how a token is signed. Raises `TokenRefusedError` for a way that is never taken."""
        if len(token) > _MAX_TOKEN_CHARACTERS:
            raise TokenRefusedError("malformed", "the token is too long")
        try:
            header = self._jws.get_unverified_header(token)
        except (PyJWTError, ValueError, RecursionError):
            raise TokenRefusedError("malformed", "the token is no JWT") from None
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS:
            raise TokenRefusedError("algorithm", f"the token must be signed by {', '.join(ALGORITHMS)}")
        if "crit" in header or not isinstance(kid, str | None):
            raise TokenRefusedError("malformed", "the token's header asks for what is not known here")
        return Header(algorithm, kid)

    def verify(self, token: str, header: Header, keys: PublicKeys) -> Identity:
        """Check all of a token. Raises `TokenRefusedError`, or `UnknownKeyError`."""
        key = keys.find(*header)
        if key is None:
            raise UnknownKeyError
        try:
            claims = json.loads(self._jws.decode(token, key, [key.algorithm_name]))
        except (PyJWTError, ValueError, RecursionError):
            # Not chained: the cause may quote the token.
            raise TokenRefusedError("signature", "the token's signature is not right") from None
        if not isinstance(claims, dict):
            raise TokenRefusedError("claims", "the token holds no claims")
        return self._identity(claims)

    def _identity(self, claims: Mapping[str, object]) -> Identity:
        rules = self._rules
        if rules.issuer and claims.get("iss") != rules.issuer:
            raise TokenRefusedError("issuer", "the token is from another issuer")
        if rules.audience and not _is_for(rules.audience, claims.get("aud")):
            raise TokenRefusedError("audience", "the token is for another audience")
        issued_at, expires_at = check_times(claims, self._now(), rules.skew)
        user = _claim(claims, rules.user_claim)
        if isinstance(user, int) and not isinstance(user, bool):
            user = str(user)
        if not isinstance(user, str) or id_problem(user, rules.user_claim) is not None:
            raise TokenRefusedError("claims", f"the token names no valid user in {rules.user_claim}")
        return Identity(user, expires_at, _USER_ONLY, issued_at)


def _is_for(audience: str, claimed: object) -> bool:
    return claimed == audience or (isinstance(claimed, list) and audience in claimed)


def _claim(claims: Mapping[str, object], name: str) -> object:
    """A claim by its whole name, or else by the dots in it; None if it isn't there."""
    if name in claims:
        return claims[name]
    value: object = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
