"""Somebody else who signs tokens: keys of each kind, made once, and tokens that are right but for …"""

import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.api_jws import PyJWS

NOW = 1_800_000_000.0
ISSUER, AUDIENCE = "https://shop.example", "im"


def private_key(algorithm: str, number: int = 1) -> Any:
    """A private key; the same for the same arguments."""
    return _made(algorithm, number)


@cache
def _made(algorithm: str, number: int) -> Any:
    if algorithm == "RS256":
        return rsa.generate_private_key(65_537, 2_048)
    return (
        ec.generate_private_key(ec.SECP256R1())
        if algorithm == "ES256"
        else ed25519.Ed25519PrivateKey.generate()
    )


def pem(key: Any) -> bytes:
    """The public half, in PEM form."""
    made: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return made


def jwk(algorithm: str, kid: str | None = None, number: int = 1, **more: object) -> dict[str, Any]:
    """The public half as a JWK."""
    kind: Any = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}[algorithm]
    document: dict[str, Any] = kind.to_jwk(private_key(algorithm, number).public_key(), as_dict=True)
    return document | ({} if kid is None else {"kid": kid}) | more


def key_set(*keys: object) -> bytes:
    """A JWK set."""
    return json.dumps({"keys": keys}).encode()


def token(algorithm: str = "RS256", kid: str | None = None, number: int = 1, **claims: Any) -> str:
    """A right token of alice, but for `claims`; `...` leaves one out."""
    headers = {} if kid is None else {"kid": kid}
    return signed(private_key(algorithm, number), algorithm, headers, **claims)


def signed(key: Any, algorithm: str, headers: dict[str, Any], **claims: Any) -> str:
    """The same, signed in any way."""
    right = {"sub": "alice", "iss": ISSUER, "aud": AUDIENCE, "iat": int(NOW), "exp": int(NOW) + 100}
    kept = {name: value for name, value in (right | claims).items() if value is not ...}
    return PyJWS().encode(json.dumps(kept).encode(), key, algorithm=algorithm, headers=headers)
