import base64
import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.token.authenticator import TokenAuthenticator
from im.adapters.token.keys import KeyRing
from im.adapters.token.signed import SignedTokens
from im.core.errors import Code, RefusedError
from im.ports import IAuthenticator, Identity
from im.testing.contracts import authenticator as contract

OLD, NEW, FOREIGN = b"o" * 32, b"n" * 32, b"f" * 32
NOW = 1_800_000_000.0
SKEW = 60


class TokenAuthenticatorContractTests(contract.AuthenticatorContract):
    def setUp(self) -> None:
        self.time = NOW
        tokens = SignedTokens(KeyRing("k1", {"k1": OLD}), lambda: self.time, SKEW)
        self.authenticator: IAuthenticator = TokenAuthenticator(tokens)
        self.mint = tokens.mint

    def advance(self, seconds: float) -> None:
        self.time += seconds


class SignedTokensTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.time = NOW
        self.tokens = SignedTokens(KeyRing("new", {"old": OLD, "new": NEW}), lambda: self.time, SKEW)

    def signed(self, key: bytes = NEW, kid: object = "new", algorithm: str = "HS256", **claims: Any) -> str:
        full = {"sub": "alice", "iat": NOW, "exp": NOW + 100, **claims}
        kept = {name: value for name, value in full.items() if value is not ...}
        header = {} if kid is ... else {"kid": kid}
        return jwt.PyJWS().encode(json.dumps(kept).encode(), key, algorithm, headers=header)

    def code(self, token: str) -> Code:
        error = self.assertRaises(RefusedError, self.tokens.verify, token)
        assert isinstance(error, RefusedError)
        self.assertNotIn(token, str(error))
        self.assertIsNone(error.__cause__)
        return error.refused.code

    def test_a_token_speaks_for_its_user_until_it_expires(self) -> None:
        identity = self.tokens.verify(self.tokens.mint("alice", 100))
        self.assertEqual(Identity("alice", NOW + 100, frozenset({"user"}), NOW), identity)

    def test_any_issuer_with_the_key_may_sign(self) -> None:
        identity = self.tokens.verify(self.signed(scope="admin user"))
        self.assertEqual(frozenset({"admin", "user"}), identity.scopes)

    def test_every_listed_key_checks_its_own_tokens(self) -> None:
        self.assertEqual("alice", self.tokens.verify(self.signed(OLD, "old")).user)
        self.assertEqual(Code.UNAUTHENTICATED, self.code(self.signed(OLD, "new")))
        self.assertEqual(Code.UNAUTHENTICATED, self.code(self.signed(NEW, "old")))

    def test_a_known_header_opens_no_door(self) -> None:
        self.tokens.verify(self.signed())
        self.assertEqual(Code.UNAUTHENTICATED, self.code(self.signed(FOREIGN)))

    def test_new_keys_take_over_at_once(self) -> None:
        token = self.tokens.mint("alice", 100)
        self.tokens.verify(token)
        self.tokens.use(KeyRing("next", {"next": FOREIGN}))
        self.assertEqual(Code.UNAUTHENTICATED, self.code(token))
        self.assertEqual("bob", self.tokens.verify(self.tokens.mint("bob", 100)).user)

    def test_a_token_must_name_a_key_of_ours(self) -> None:
        for kid in (..., "other", ""):
            self.assertEqual(Code.UNAUTHENTICATED, self.code(self.signed(kid=kid)))

    def test_no_other_algorithm_counts(self) -> None:
        self.assertEqual(Code.UNAUTHENTICATED, self.code(self.signed(b"n" * 64, algorithm="HS512")))
        payload = self.signed().split(".")[1]
        for header in ({"alg": "none", "kid": "new"}, {"alg": "None", "kid": "new"}, {"kid": "new"}):
            unsigned = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
            self.assertEqual(Code.UNAUTHENTICATED, self.code(f"{unsigned}.{payload}."))
        private = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        signed = jwt.encode(
            {"sub": "alice", "iat": NOW, "exp": NOW + 100}, private, "RS256", headers={"kid": "new"}
        )
        self.assertEqual(Code.UNAUTHENTICATED, self.code(signed))

    def test_clocks_may_differ_by_the_skew_and_no_more(self) -> None:
        token = self.tokens.mint("alice", 100)
        self.time = NOW - SKEW
        self.tokens.verify(token)
        self.time = NOW - SKEW - 1
        self.assertEqual(Code.UNAUTHENTICATED, self.code(token))
        self.time = NOW + 100 + SKEW - 1
        self.tokens.verify(token)
        self.time = NOW + 100 + SKEW
        self.assertEqual(Code.EXPIRED, self.code(token))

    def test_not_before_is_kept_within_the_skew(self) -> None:
        self.tokens.verify(self.signed(nbf=NOW + SKEW))
        self.assertEqual(Code.UNAUTHENTICATED, self.code(self.signed(nbf=NOW + SKEW + 1)))

    def test_claims_of_a_wrong_kind_are_refused(self) -> None:
        for claims in (
            {"sub": ...},
            {"sub": 5},
            {"sub": ""},
            {"sub": "a~b"},
            {"sub": "x" * 65},
            {"exp": ...},
            {"exp": "soon"},
            {"exp": True},
            {"exp": float("nan")},
            {"exp": float("inf")},
            {"exp": 10**400},
            {"iat": ...},
            {"iat": None},
            {"nbf": "now"},
            {"scope": ["user"]},
        ):
            self.assertEqual(Code.UNAUTHENTICATED, self.code(self.signed(**claims)), claims)

    def test_a_payload_that_holds_no_claims_is_refused(self) -> None:
        for payload in (b"[]", b"5", b"not json", b"\xff", b"[" * 2_000):
            token = jwt.PyJWS().encode(payload, NEW, "HS256", headers={"kid": "new"})
            self.assertEqual(Code.UNAUTHENTICATED, self.code(token))

    def test_a_token_without_a_scope_is_a_users(self) -> None:
        self.assertEqual(frozenset({"user"}), self.tokens.verify(self.signed()).scopes)
        self.assertEqual(frozenset(), self.tokens.verify(self.signed(scope="")).scopes)

    def test_no_token_is_made_for_a_bad_user(self) -> None:
        for user in ("", "a~b", "a b", "x" * 65):
            self.assertRaises(ValueError, self.tokens.mint, user, 60)

    def test_many_different_headers_are_not_all_remembered(self) -> None:
        for number in range(200):
            token = jwt.PyJWS().encode(
                json.dumps({"sub": "alice", "iat": NOW, "exp": NOW + 9}).encode(),
                NEW,
                "HS256",
                headers={"kid": "new", "n": number},
            )
            self.tokens.verify(token)
        self.assertLess(len(self.tokens._known_headers), 100)
