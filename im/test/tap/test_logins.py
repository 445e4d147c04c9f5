"""Which authenticators a configuration gives."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred, succeed
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from im.adapters.token.keys import load_keys, retire_key, rotate_key_file
from im.adapters.token.signed import SignedTokens
from im.core.errors import Code, RefusedError
from im.ports import IAuthenticator, Identity
from im.tap.config import Config
from im.tap.logins import KEY_FILE, Logins
from im.test.adapters.jwt.signers import AUDIENCE, ISSUER, jwk, key_set, pem, private_key, token

ENTRY = "[im.authenticators]\n"
FAR = 4_000_000_000


@implementer(IAuthenticator)
class Everybody:
    """Takes any token for the name that its settings say."""

    def __init__(self, settings: Mapping[str, Any], reactor: object) -> None:
        self.name, self.reactor = settings["name"], reactor

    def authenticate(self, token: str) -> "Deferred[Identity]":
        return succeed(Identity(self.name, 0, frozenset({"user", "admin"})))


def make_nothing(settings: Mapping[str, Any], reactor: object) -> object:
    return settings


NO_FACTORY = 5


class LoginsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.state = Path(self.mktemp())
        self.state.mkdir()
        self.reactor: Any = MemoryReactorClock()

    def logins(self, **settings: Any) -> Logins:
        logins = Logins(Config(state_dir=self.state, **settings), self.reactor)
        logins.start()
        self.addCleanup(logins.stop)
        return logins

    def jwt(self, *auth: str, **settings: Any) -> Logins:
        path = self.state / "shop.pem"
        path.write_bytes(pem(private_key("ES256")))
        return self.logins(
            auth=auth or ("jwt",), jwt_key_file=path, **({"jwt_audience": AUDIENCE} | settings)
        )

    def refusal(self, **settings: Any) -> str:
        return str(self.assertRaises(ValueError, self.logins, **settings))

    def user(self, authenticator: IAuthenticator, made: str) -> str:
        identity: Identity = self.successResultOf(authenticator.authenticate(made))
        return identity.user

    def code(self, authenticator: IAuthenticator, made: str) -> Code:
        error = self.failureResultOf(authenticator.authenticate(made), RefusedError).value
        assert isinstance(error, RefusedError)
        return error.refused.code

    def own(self, user: str = "bot") -> str:
        return SignedTokens(load_keys(self.state / KEY_FILE), time.time, 60).mint(user, 60, {"user", "admin"})

    def shops(self, **claims: Any) -> str:
        return token("ES256", **({"iat": 1, "exp": FAR} | claims))

    def install(self, name: str, lines: str) -> None:
        """A package with entry points, for this test."""
        folder = Path(self.mktemp()).resolve()
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(ENTRY + lines)
        path = patch.object(sys, "path", [str(folder), *sys.path])
        path.start()
        self.addCleanup(path.stop)

    def test_own_tokens_are_the_default(self) -> None:
        logins = self.logins()
        self.assertEqual("bot", self.user(logins.authenticator, self.own()))
        self.assertEqual("bot", self.user(logins.operators, self.own()))
        self.assertEqual(Code.UNAUTHENTICATED, self.code(logins.authenticator, self.shops()))
        self.assertEqual(({}, {"signature": 1}), (logins.checks, logins.counters.refusals))

    def test_with_jwt_alone_clients_need_the_shops_tokens_and_operators_ours(self) -> None:
        logins = self.jwt()
        self.assertEqual("alice", self.user(logins.authenticator, self.shops()))
        self.assertEqual(Code.UNAUTHENTICATED, self.code(logins.authenticator, self.own()))
        self.assertEqual("bot", self.user(logins.operators, self.own()))
        self.assertEqual(Code.UNAUTHENTICATED, self.code(logins.operators, self.shops(scope="admin")))

    def test_several_are_asked_in_order(self) -> None:
        logins = self.jwt("jwt", "own")
        self.assertEqual("alice", self.user(logins.authenticator, self.shops()))
        self.assertEqual("bot", self.user(logins.authenticator, self.own()))
        self.assertEqual(Code.EXPIRED, self.code(logins.authenticator, self.shops(exp=2)))
        self.assertEqual({"expired": 1}, logins.counters.refusals)

    def test_issuer_audience_and_claim_are_as_configured(self) -> None:
        logins = self.jwt(jwt_issuer=ISSUER, jwt_user_claim="shop.id")
        self.assertEqual("7", self.user(logins.authenticator, self.shops(shop={"id": 7})))
        wrongs: tuple[dict[str, Any], ...] = ({"iss": "other"}, {"aud": "other"}, {"shop": {}})
        for wrong in wrongs:
            made = self.shops(**({"shop": {"id": 7}} | wrong))
            self.assertEqual(Code.UNAUTHENTICATED, self.code(logins.authenticator, made))
        self.assertEqual({"issuer": 1, "audience": 1, "claims": 1}, logins.counters.refusals)

    def test_any_audience_must_be_asked_for(self) -> None:
        logins = self.jwt(jwt_audience="any")
        self.assertEqual("alice", self.user(logins.authenticator, self.shops(aud="other")))
        with self.assertRaisesRegex(ValueError, "jwt_audience"):
            self.jwt(jwt_audience="")

    def test_jwt_needs_one_place_of_keys(self) -> None:
        url = {"jwt_keys_url": "https://shop.example/jwks"}
        self.assertIn("either jwt_key_file or", self.refusal(auth=("jwt",), jwt_audience="im"))
        both = {"jwt_key_file": self.state / "shop.pem", **url}
        self.assertIn("either jwt_key_file or", self.refusal(auth=("jwt",), jwt_audience="im", **both))
        missing = {"jwt_key_file": self.state / "none"}
        self.assertIn("cannot be read", self.refusal(auth=("jwt",), jwt_audience="im", **missing))
        times = {"jwt_refresh_seconds": 60.0, "jwt_keep_seconds": 30.0}
        self.assertIn("make it longer", self.refusal(auth=("jwt",), jwt_audience="im", **url, **times))

    def test_keys_from_the_web_are_a_part_that_may_not_be_ready(self) -> None:
        logins = self.logins(auth=("jwt",), jwt_audience="im", jwt_keys_url="https://127.0.0.1:1/jwks")
        self.assertEqual(1, len(self.reactor.tcpClients))
        self.assertIn("https://127.0.0.1:1/jwks", logins.checks["jwt_keys"]())
        logins.stop()

    def test_a_reload_reads_all_keys_again(self) -> None:
        logins = self.jwt("jwt", "own")
        old, path = self.own(), self.state / KEY_FILE
        first = load_keys(path).active
        rotate_key_file(path)
        retire_key(path, first)
        (self.state / "shop.pem").write_bytes(key_set(jwk("EdDSA", "new")))
        self.assertEqual("bot", self.user(logins.authenticator, old))
        logins.reload()
        self.assertEqual("bot", self.user(logins.authenticator, self.own()))
        for made in (old, self.shops()):
            self.assertEqual(Code.UNAUTHENTICATED, self.code(logins.authenticator, made))
        self.assertEqual("alice", self.user(logins.authenticator, token("EdDSA", "new", iat=1, exp=FAR)))

    def test_a_bad_file_of_keys_keeps_no_other_from_being_read(self) -> None:
        logins = self.jwt("jwt", "own")
        rotate_key_file(self.state / KEY_FILE)
        (self.state / "shop.pem").write_text("rubbish")
        self.assertIn("shop.pem", str(self.assertRaises(ValueError, logins.reload)))
        self.assertEqual("alice", self.user(logins.authenticator, self.shops()))
        self.assertEqual("bot", self.user(logins.authenticator, self.own()))

    def test_an_authenticator_of_others_is_made_with_its_settings(self) -> None:
        self.install("ldap-logins", f"ldap = {__name__}:Everybody\n")
        logins = self.logins(auth=("ldap",), authenticators={"ldap": {"name": "eve"}})
        self.assertEqual("eve", self.user(logins.authenticator, "anything"))
        self.assertEqual(Code.UNAUTHENTICATED, self.code(logins.operators, "anything"))

    def test_an_authenticator_that_is_none_ends_the_start_in_a_sentence(self) -> None:
        lines = (
            f"none = {__name__}:make_nothing\nfive = {__name__}:NO_FACTORY\n"
            f"gone = {__name__}:Nobody\nlost = im.no_such_module:x\n"
        )
        self.install("broken-logins", lines)
        for name, words in (
            ("none", "made a dict, which is no im.ports.IAuthenticator"),
            ("five", "is no factory"),
            ("gone", "cannot be loaded"),
            ("lost", "cannot be loaded"),
        ):
            sentence = self.refusal(auth=(name,))
            self.assertIn(words, sentence)
            self.assertIn("broken-logins", sentence)
        self.assertIn("there are five, gone, jwt, lost, none, own", self.refusal(auth=("ldap",)))

    def test_two_packages_with_one_name_are_both_named(self) -> None:
        for package in ("first-logins", "second-logins"):
            self.install(package, f"ldap = {__name__}:Everybody\n")
        self.assertIn("first-logins and second-logins", self.refusal(auth=("ldap",)))
