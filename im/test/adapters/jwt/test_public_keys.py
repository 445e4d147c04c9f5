import json

from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.jwt.public_keys import ALGORITHMS, MAX_BYTES, PublicKeys, parse_keys
from im.test.adapters.jwt.signers import jwk, key_set, pem, private_key


class PublicKeysTests(SynchronousTestCase):
    def problem(self, content: bytes) -> str:
        return str(self.assertRaises(ValueError, parse_keys, content))

    def algorithm(self, keys: PublicKeys, algorithm: str, kid: str | None = None) -> str:
        key = keys.find(algorithm, kid)
        return "" if key is None else key.algorithm_name

    def test_a_pem_file_has_one_key_and_pins_its_algorithm(self) -> None:
        for algorithm in ALGORITHMS:
            keys = parse_keys(b"\n" + pem(private_key(algorithm)))
            found = {
                each for each in ALGORITHMS if self.algorithm(keys, each) or self.algorithm(keys, each, "k")
            }
            self.assertEqual({algorithm}, found)

    def test_the_keys_of_a_set_are_found_by_name_and_algorithm(self) -> None:
        keys = parse_keys(key_set(jwk("RS256", "a"), jwk("RS256", "b", 2), jwk("ES256", "c"), jwk("EdDSA")))
        first, second = keys.find("RS256", "a"), keys.find("RS256", "b")
        assert first is not None and second is not None
        self.assertNotEqual(first.key.public_numbers(), second.key.public_numbers())
        for algorithm, kid in (
            ("RS256", "c"),
            ("RS256", "d"),
            ("RS256", None),
            ("ES256", "a"),
            ("HS256", "a"),
        ):
            self.assertIsNone(keys.find(algorithm, kid), (algorithm, kid))

    def test_where_one_key_fits_either_side_may_leave_the_name_out(self) -> None:
        keys = parse_keys(key_set(jwk("ES256", "c"), jwk("EdDSA")))
        self.assertEqual("ES256", self.algorithm(keys, "ES256"))
        self.assertEqual("", self.algorithm(keys, "ES256", "other"))
        self.assertEqual("EdDSA", self.algorithm(keys, "EdDSA", "other"))

    def test_keys_of_no_use_are_passed_over(self) -> None:
        weak = {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "weak"}
        useless: list[object] = [
            {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
            jwk("RS256", "enc", use="enc"),
            jwk("RS256", "ps", alg="PS256"),
            jwk("RS256", "wrap", key_ops=["wrapKey"]),
            jwk("ES256", "off the curve", x="AAAA"),
            jwk("ES256", "no text", x=5),
            jwk("EdDSA", "bent", crv=["Ed25519"]),
            {"kty": "EC", "crv": "P-256"},
            weak,
            "text",
            None,
        ]
        keys = parse_keys(key_set(*useless, jwk("ES256", "good", use="sig", alg="ES256")))
        self.assertEqual(
            ("", "ES256"), (self.algorithm(keys, "RS256"), self.algorithm(keys, "ES256", "good"))
        )
        self.assertIn("no key for RS256", self.problem(key_set(*useless)))

    def test_of_a_key_with_private_members_the_public_half_is_kept(self) -> None:
        keys = parse_keys(key_set(jwk("EdDSA", "k", d="AAAA")))
        key = keys.find("EdDSA", "k")
        assert key is not None
        self.assertFalse(hasattr(key.key, "sign"))

    def test_what_holds_no_keys_is_refused_in_a_sentence(self) -> None:
        for content in (b"", b"text", b"[]", b"{}", b'{"keys": 5}', b"[" * 60_000, b"\xff", b"null"):
            self.assertIn("neither", self.problem(content))
        self.assertIn("no key for RS256", self.problem(b'{"keys": []}'))
        self.assertIn("larger", self.problem(b" " * (MAX_BYTES + 1)))
        self.assertIn("more than", self.problem(json.dumps({"keys": [{}] * 65}).encode()))

    def test_a_pem_file_of_another_kind_is_refused(self) -> None:
        private = private_key("ES256").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        for content in (private, b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"):
            self.assertIn("no public key", self.problem(content))
        for key in (
            ec.generate_private_key(ec.SECP384R1()),
            ed448.Ed448PrivateKey.generate(),
            rsa.generate_private_key(65_537, 1_024),
        ):
            self.assertIn("another kind", self.problem(pem(key)))
