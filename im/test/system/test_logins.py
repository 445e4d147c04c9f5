"""Logins as operators steer them, against a real node with keys of a shop."""

import signal
import sqlite3
import time
from typing import Any

from im.adapters.token.keys import load_keys
from im.test.adapters.jwt.signers import jwk, key_set, pem, private_key, token
from im.test.system.imctl import Ended, ImctlCase, Live, run
from im.test.system.processes import wait_for


class OperatorTests(ImctlCase):
    def online(self, user: str) -> Live:
        """A session of the user that is there."""
        tail = Live(self, "tail", "--as", user)
        wait_for(lambda: bool(self.sessions(user)), "the session")
        return tail

    def sessions(self, user: str) -> list[dict[str, Any]]:
        return self.ok("sessions", "--user", user, "--json").records

    def test_a_kicked_user_may_come_back(self) -> None:
        tail = self.online("bob")
        ended = self.ok("kick", "bob", "--json").record
        self.assertEqual({"user": "bob", "evicted": 1}, ended)
        self.assertNotEqual(0, tail.process.wait())
        self.assertEqual([], self.sessions("bob"))
        self.send("bob", "alice", "back")

    def test_one_device_may_be_kicked(self) -> None:
        self.online("bob")
        self.online("bob")
        wait_for(lambda: len(self.sessions("bob")) == 2, "two sessions")
        device = self.sessions("bob")[0]["device"]
        self.assertEqual(1, self.ok("kick", "bob", "--device", device, "--json").record["evicted"])
        wait_for(lambda: len(self.sessions("bob")) == 1, "the end of one")
        self.assertNotEqual(device, self.sessions("bob")[0]["device"])
        self.assertIn("0 sessions ended", self.ok("kick", "nobody").out)

    def test_a_disabled_user_is_out_until_enabled(self) -> None:
        tail = self.online("bob")
        self.assertIn("bob is disabled; 1 session ended", self.ok("disable", "bob").out)
        self.assertNotEqual(0, tail.process.wait())
        refused = self.imctl("send", "--as", "bob", "--to", "alice", "no", "--json")
        self.assert_fails(refused, 1, "disabled")
        self.send("alice", "bob", "for later")
        self.assertEqual(0, self.ok("enable", "bob", "--json").record["evicted"])
        self.assertEqual(["for later"], self.tail("bob", "--count", "1", "--timeout", "10"))
        self.assert_fails(self.imctl("enable", "nobody", "--json"), 1, "not_found")

    def test_a_logged_out_device_needs_a_newer_token(self) -> None:
        old = self.ok("token", "--user", "bob").out.strip()
        tail = self.online("bob")
        (session,) = self.sessions("bob")
        self.assertEqual(1, self.ok("logout", "bob", session["device"], "--json").record["evicted"])
        self.assertNotEqual(0, tail.process.wait())
        self.send("bob", "alice", "with a new token")
        self.assert_fails(self.imctl("logout", "bob", "nothing", "--json"), 1, "not_found")
        self.assert_fails(self.send_by(old, IM_STATE_DIR=str(self.state)), 1, "logged_out")
        self.assertEqual(0, self.send_by(old).status, "another device of bob's")

    def test_keys_are_rotated_and_retired_while_the_node_runs(self) -> None:
        old = self.ok("token", "--user", "bob").out.strip()
        (first,) = self.ok("signing-keys", "list", "--json").records
        self.assertEqual({"kid": "k1", "signs": True}, first)
        self.assertEqual(
            [False, True], [each["signs"] for each in self.ok("signing-keys", "rotate", "--json").records]
        )
        self.wait_until_taken()
        self.assertEqual(0, self.send_by(old).status)
        self.assert_fails(self.imctl("signing-keys", "retire", "k2", "--json"), 1, "failed")
        self.assertIn("k2", self.ok("signing-keys", "retire", "k1").out)
        wait_for(lambda: self.send_by(old).status == 1, "the end of the old key")
        self.wait_until_taken()
        self.assertEqual(["k2"], list(load_keys(self.state / "keys.json").keys))
        for wrong in (["retire"], ["rotate", "k1"]):
            self.assert_fails(self.imctl("signing-keys", *wrong, "--json"), 2, "usage")

    def wait_until_taken(self) -> None:
        """Wait until the node takes tokens of the key that signs now."""
        argv = ["send", "--as", "bob", "--to", "alice", "hi"]
        wait_for(lambda: self.imctl(*argv).status == 0, "the node to read its keys")

    def send_by(self, made: str, **environ: str) -> Ended:
        """Send with a token, from a device that is not in the state folder unless `environ` says so."""
        address = self.told.listen[0].replace("://", ":")
        argv = ["send", "--connect", address, "--as", "bob", "--to", "alice", "hi", "--json"]
        return run(self.folder, *argv, IM_TOKEN=made, XDG_STATE_HOME=str(self.folder), **environ)


class ShopTests(ImctlCase):
    """A node that takes tokens of a shop, and its own."""

    def prepare(self) -> None:
        self.keys = self.folder / "shop.pem"
        self.keys.write_bytes(pem(private_key("ES256")))
        self.options = ("--auth=jwt,own", f"--jwt-key-file={self.keys}", "--jwt-audience=im")

    def send_by(self, made: str) -> Ended:
        address = self.told.listen[0].replace("://", ":")
        argv = ["send", "--connect", address, "--as", "alice", "--to", "bob", "hi", "--json"]
        return run(self.folder, *argv, IM_TOKEN=made, XDG_STATE_HOME=str(self.folder))

    def made(self, algorithm: str = "ES256", **claims: Any) -> str:
        return token(algorithm, **({"iat": int(time.time()), "exp": int(time.time()) + 600} | claims))

    def test_users_come_with_tokens_of_the_shop_and_bots_with_ours(self) -> None:
        self.assertEqual(0, self.send_by(self.made()).status)
        self.send("alice", "bob", "with a token of ours")
        for bad, code in ((self.made(aud="other"), "unauthenticated"), (self.made(exp=1), "expired")):
            self.assert_fails(self.send_by(bad), 1, code)
            self.assertNotIn(bad, self.node.out)
        self.assertNotEqual(0, run(self.folder, "kick", "x", IM_STATE_DIR=str(self.folder)).status)

    def test_a_shops_logged_out_device_stays_out_with_its_old_token(self) -> None:
        old = self.made(iat=int(time.time()) - 5)
        self.assertEqual(0, self.send_by(old).status)
        devices = sqlite3.connect(f"file:{self.state / 'im.sqlite'}?mode=ro", uri=True)
        (device,) = devices.execute("SELECT device_id FROM device WHERE user_id = 'alice'").fetchone()
        devices.close()
        self.ok("logout", "alice", device)
        self.assert_fails(self.send_by(old), 1, "logged_out")
        self.assertEqual(0, self.send_by(self.made(iat=int(time.time()) + 2)).status)

    def test_new_keys_of_the_shop_are_read_at_sighup(self) -> None:
        made = self.made("EdDSA")
        self.assert_fails(self.send_by(made), 1, "unauthenticated")
        self.keys.write_bytes(key_set(jwk("EdDSA"), jwk("ES256")))
        self.node.send(signal.SIGHUP)
        wait_for(lambda: "were read again" in self.node.out, "the word of it")
        self.assertEqual(0, self.send_by(made).status)
