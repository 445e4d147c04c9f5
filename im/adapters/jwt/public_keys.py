"""The public keys that check tokens: read from a PEM file or a JWK set (RFC 7517).

A key has one algorithm, pinned by its type: RSA RS256, P-256 ES256, Ed25519 EdDSA. A token can't
choose another one.
"""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt import PyJWK, PyJWTError
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ALGORITHMS = ("RS256", "ES256", "EdDSA")
MAX_BYTES = 65_536
MAX_KEYS = 64

_RSA_BITS = range(2_048, 8_193)
_KINDS = {
    ("RSA", None): ("RS256", ("n", "e")),
    ("EC", "P-256"): ("ES256", ("crv", "x", "y")),
    ("OKP", "Ed25519"): ("EdDSA", ("crv", "x")),
}
"""Type and curve of a JWK -> its algorithm, and the members of which the public key is made."""


class PublicKey(NamedTuple):
    """A key; `kid` is None if it has no name."""

    kid: str | None
    jwk: PyJWK


class PublicKeys:
    """The keys of one signer, at least one."""

    def __init__(self, keys: Sequence[PublicKey]) -> None:
        self._keys = tuple(keys)

    def find(self, algorithm: str, kid: str | None) -> PyJWK | None:
        """The key that a token with this header is to be checked with.

        It is the one of that name. Where only one key has the algorithm, either side may leave the
        name out.
        """
        fitting = [key for key in self._keys if key.jwk.algorithm_name == algorithm]
        for key in fitting:
            if kid is not None and key.kid == kid:
                return key.jwk
        if len(fitting) == 1 and (kid is None or fitting[0].kid is None):
            return fitting[0].jwk
        return None


def parse_keys(content: bytes) -> PublicKeys:
    """Read a public key in PEM form, or a JWK set. Raises `ValueError` that completes "FILE …"."""
    if len(content) > MAX_BYTES:
        raise ValueError(f"is larger than {MAX_BYTES} bytes")
    if content.lstrip().startswith(b"-----BEGIN"):
        return PublicKeys([PublicKey(None, _from_pem(content))])
    return PublicKeys(_from_set(content))


def _from_pem(content: bytes) -> PyJWK:
    try:
        key = load_pem_public_key(content)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("holds no public key in PEM form (-----BEGIN PUBLIC KEY-----)") from None
    document: Mapping[str, object] = {}
    if isinstance(key, RSAPublicKey):
        document = RSAAlgorithm.to_jwk(key, as_dict=True)
    elif isinstance(key, EllipticCurvePublicKey):
        document = ECAlgorithm.to_jwk(key, as_dict=True) if key.curve.name == "secp256r1" else {}
    elif isinstance(key, Ed25519PublicKey):
        document = OKPAlgorithm.to_jwk(key, as_dict=True)
    jwk = _usable(document)
    if jwk is None:
        raise ValueError("holds a key of another kind than RSA of 2048 to 8192 bits, P-256 or Ed25519")
    return jwk


def _from_set(content: bytes) -> list[PublicKey]:
    try:
        documents = list(json.loads(content)["keys"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError('holds neither a public key in PEM form nor a JWK set {"keys": […]}') from None
    if len(documents) > MAX_KEYS:
        raise ValueError(f"holds more than {MAX_KEYS} keys")
    keys = []
    for document in documents:
        jwk = _usable(document) if isinstance(document, dict) and _is_for_signatures(document) else None
        if jwk is not None:
            kid = document.get("kid")
            keys.append(PublicKey(kid if isinstance(kid, str) else None, jwk))
    if not keys:
        raise ValueError("holds no key for RS256 (of 2048 to 8192 bits), ES256 or EdDSA")
    return keys


def _is_for_signatures(document: Mapping[str, object]) -> bool:
    operations = document.get("key_ops", ["verify"])
    return document.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations


def _usable(document: Mapping[str, object]) -> PyJWK | None:
    """The key of a JWK, without its private members; None if it is of no kind of ours, or damaged."""
    kty, crv = document.get("kty"), document.get("crv")
    kind = _KINDS.get((kty, crv)) if isinstance(kty, str) and isinstance(crv, str | None) else None
    if kind is None or document.get("alg", kind[0]) != kind[0]:
        return None
    algorithm, members = kind
    try:
        jwk = PyJWK({"kty": kty, **{name: document[name] for name in members}}, algorithm)
    except (PyJWTError, KeyError, ValueError, TypeError, AttributeError):
        return None
    is_weak = isinstance(jwk.key, RSAPublicKey) and jwk.key.key_size not in _RSA_BITS
    return None if is_weak else jwk
