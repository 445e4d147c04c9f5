import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.api_jws import PyJWS
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.jwt.authenticator import JwtAuthenticator
from im.adapters.jwt.public_keys import ALGORITHMS, parse_keys
from im.adapters.jwt.sources import FileKeys
from im.adapters.jwt.verifier import JwtVerifier, TokenRules, UnknownKeyError
from im.adapters.token.claims import TokenRefusedError
from im.core.errors import Code
from im.ports import IAuthenticator, Identity
from im.test.adapters.jwt.signers import AUDIENCE, ISSUER, NOW, jwk, key_set, pem, private_key, signed, token
from im.test.adapters.jwt.support import file_of
from im.testing.contracts import authenticator as contract

SKEW = 60
RULES = TokenRules(ISSUER, AUDIENCE, "sub", SKEW)
KEYS = parse_keys(key_set(*(jwk(algorithm, "k") for algorithm in ALGORITHMS)))


def segment(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


class JwtAuthenticatorContractTests(contract.AuthenticatorContract):
    scopes = frozenset({"user"})

    def setUp(self) -> None:
        self.time = NOW
        verifier = JwtVerifier(RULES, lambda: self.time)
        self.authenticator: IAuthenticator = JwtAuthenticator(
            verifier, FileKeys(file_of(self, pem(private_key("ES256"))))
        )

    def mint(self, user: str, seconds: float, scopes: frozenset[str]) -> str:
        return token("ES256", sub=user, exp=NOW + seconds)

    def advance(self, seconds: float) -> None:
        self.time += seconds


class VerifierTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.use(RULES)

    def use(self, rules: TokenRules) -> None:
        self.verifier = JwtVerifier(rules, lambda: NOW)

    def verify(self, made: str) -> Identity:
        return self.verifier.verify(made, self.verifier.header(made), KEYS)

    def reason(self, made: str, code: Code = Code.UNAUTHENTICATED) -> str:
        error = self.assertRaises(TokenRefusedError, self.verify, made)
        assert isinstance(error, TokenRefusedError)
        self.assertEqual(code, error.refused.code)
        self.assertFalse(len(made) > 20 and made in str(error))
        self.assertIsNone(error.__cause__)
        return error.reason

    def test_each_algorithm_tells_the_user(self) -> None:
        for algorithm in ALGORITHMS:
            expected = Identity("alice", NOW + 100, frozenset({"user"}), NOW)
            self.assertEqual(expected, self.verify(token(algorithm, "k")))

    def test_a_scope_of_the_shop_opens_nothing(self) -> None:
        self.assertEqual(frozenset({"user"}), self.verify(token(kid="k", scope="admin user")).scopes)

    def test_a_token_without_a_signature_is_refused(self) -> None:
        claims = {"sub": "alice", "iss": ISSUER, "aud": AUDIENCE, "exp": NOW + 100}
        for algorithm in ("none", "None", "", None):
            made = f"{segment({'alg': algorithm, 'kid': 'k'})}.{segment(claims)}."
            self.assertIn(self.reason(made), ("algorithm", "malformed"))

    def test_a_public_key_is_no_shared_secret(self) -> None:
        """The classic: HS256 with the text of the public key as the secret."""
        made = token(kid="k")
        head = segment({"alg": "HS256", "kid": "k"})
        payload = made.split(".")[1]
        for secret in (pem(private_key("RS256")), json.dumps(jwk("RS256", "k")).encode()):
            digest = hmac.new(secret, f"{head}.{payload}".encode(), hashlib.sha256).digest()
            forged = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            self.assertEqual("algorithm", self.reason(f"{head}.{payload}.{forged}"))

    def test_the_algorithm_is_that_of_the_key(self) -> None:
        for algorithm in ("RS384", "RS512", "PS256"):
            made = signed(private_key("RS256"), algorithm, {"kid": "k"})
            self.assertEqual("algorithm", self.reason(made))
        _, payload, signature = token("ES256", "k").split(".")
        self.assertEqual(
            "signature", self.reason(f"{segment({'alg': 'EdDSA', 'kid': 'k'})}.{payload}.{signature}")
        )

    def test_a_foreign_or_changed_signature_is_refused(self) -> None:
        foreign = rsa.generate_private_key(65_537, 2_048)
        self.assertEqual("signature", self.reason(signed(foreign, "RS256", {"kid": "k"})))
        head, payload, signature = token(kid="k").split(".")
        other = segment({"sub": "bob", "iss": ISSUER, "aud": AUDIENCE, "exp": NOW + 100})
        self.assertEqual("signature", self.reason(f"{head}.{other}.{signature}"))
        self.assertEqual("signature", self.reason(f"{head}.{payload}."))

    def test_an_unknown_key_is_for_the_caller(self) -> None:
        self.assertRaises(UnknownKeyError, self.verify, token(kid="other"))

    def test_issuer_and_audience_are_checked(self) -> None:
        self.assertEqual("issuer", self.reason(token(kid="k", iss="https://evil.example")))
        self.assertEqual("issuer", self.reason(token(kid="k", iss=...)))
        for audience in ("other", ["other"], ..., None, {"im": 1}, "im2"):
            self.assertEqual("audience", self.reason(token(kid="k", aud=audience)))
        self.assertEqual("alice", self.verify(token(kid="k", aud=["other", AUDIENCE])).user)

    def test_any_issuer_and_any_audience_may_be_taken(self) -> None:
        self.use(RULES._replace(issuer="", audience=""))
        self.assertEqual("alice", self.verify(token(kid="k", iss=..., aud="other")).user)

    def test_a_token_has_its_time(self) -> None:
        self.assertEqual("expired", self.reason(token(kid="k", exp=NOW - SKEW), Code.EXPIRED))
        self.assertEqual("alice", self.verify(token(kid="k", exp=NOW - SKEW + 1)).user)
        self.assertEqual("future", self.reason(token(kid="k", nbf=NOW + SKEW + 1)))
        self.assertEqual("future", self.reason(token(kid="k", iat=NOW + SKEW + 1)))
        self.assertEqual("alice", self.verify(token(kid="k", nbf=NOW + SKEW)).user)

    def test_a_token_must_expire_but_need_not_say_when_it_was_signed(self) -> None:
        self.assertEqual(0, self.verify(token(kid="k", iat=...)).issued_at)
        for expiry in (..., "soon", None, True, float("nan"), float("inf"), 1e300, -(10**400)):
            self.assertEqual("claims", self.reason(token(kid="k", exp=expiry)))
        self.assertEqual("claims", self.reason(token(kid="k", nbf="now")))

    def test_the_user_is_in_the_claim_that_was_chosen(self) -> None:
        for claim, claims, user in (
            ("user_id", {"user_id": "bob"}, "bob"),
            ("user_id", {"user_id": 42}, "42"),
            ("shop.user.id", {"shop": {"user": {"id": "bob"}}}, "bob"),
            ("https://shop.example/user", {"https://shop.example/user": "bob"}, "bob"),
        ):
            self.use(RULES._replace(user_claim=claim))
            made: dict[str, Any] = claims
            self.assertEqual(user, self.verify(token(kid="k", **made)).user)

    def test_a_token_without_a_valid_user_is_refused(self) -> None:
        for user in (..., None, "", "a b", "a~b", "x" * 65, True, 1.5, ["alice"], {"id": "alice"}):
            self.assertEqual("claims", self.reason(token(kid="k", sub=user)))
        self.use(RULES._replace(user_claim="shop.user"))
        for shop in (..., "text", {}, {"user": None}, ["user"]):
            self.assertEqual("claims", self.reason(token(kid="k", shop=shop)))

    def test_what_is_no_jwt_is_refused(self) -> None:
        for made in (
            "",
            "a",
            "a.b",
            "a.b.c",
            "a.b.c.d",
            "ä.ö.ü",
            "\ud800",
            "\0",
            f"{segment([])}.{segment({})}.",
        ):
            self.assertEqual("malformed", self.reason(made))
        self.assertEqual("malformed", self.reason("x" * 100_000))

    def test_claims_must_be_an_object(self) -> None:
        for payload, reason in ((b"[]", "claims"), (b"text", "signature"), (b"[" * 2_000, "signature")):
            made = PyJWS().encode(payload, private_key("ES256"), algorithm="ES256", headers={"kid": "k"})
            self.assertEqual(reason, self.reason(made))

    def test_a_header_that_asks_for_more_is_refused(self) -> None:
        _, payload, signature = token(kid="k").split(".")
        for more in ({"crit": ["exp"], "exp": 1}, {"kid": 5}, {"kid": ["k"]}):
            made = segment({"alg": "RS256", "kid": "k"} | more)
            self.assertEqual("malformed", self.reason(f"{made}.{payload}.{signature}"))
