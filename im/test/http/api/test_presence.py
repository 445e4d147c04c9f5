"""Who is online, over HTTP: to back ends of all, to users of those whom they may watch."""

from typing import Any

from im.core.ledger import ChangeAppState, CloseSession, OpenSession
from im.core.messages import Send
from im.test.http.api.world import NOW, ApiCase

AT_MS = int(NOW * 1000) - 7_200_000


class PresenceTests(ApiCase):
    def setUp(self) -> None:
        super().setUp()
        self.know("alice", "bob", "carol")
        hi = Send("d~alice~bob", "alice", "phone", b"i" * 16, b"", 0, 1, b"hi")
        bob = OpenSession("s1", "bob", "b1", "phone", "n1", AT_MS, True, 30_000)
        web = bob._replace(session="s2", device="b2", device_class="web")
        carol = bob._replace(session="s3", user="carol")
        left = CloseSession(carol, AT_MS + 5_000, "logout", 0)
        away = ChangeAppState("s2", "bob", AT_MS + 1, False, 30_000)
        self.successResultOf(self.store.write([hi, bob, web, away, carol, left]))

    def test_a_back_end_asks_for_many(self) -> None:
        answer = self.call("POST", "/v1/presence", {"users": ["carol", "nobody", "bob", "bob"]})
        devices = [
            {"device_class": "phone", "app_state": "foreground"},
            {"device_class": "web", "app_state": "background"},
        ]
        expected = [
            {"user": "carol", "online": False, "last_seen_ms": AT_MS + 5_000, "devices": []},
            {"user": "nobody", "online": False, "last_seen_ms": 0, "devices": []},
            {"user": "bob", "online": True, "last_seen_ms": 0, "devices": devices},
        ]
        self.assertEqual((answer.status, answer.body), (200, {"users": expected, "refused": []}))

    def test_a_user_is_told_of_contacts_alone(self) -> None:
        token = self.tokens.mint("alice", 60)
        asked = {"users": ["carol", "bob", "nobody", "alice"]}
        answer = self.call("POST", "/v1/presence", asked, key=token).body
        self.assertEqual([each["user"] for each in answer["users"]], ["bob", "alice"])
        self.assertEqual(answer["refused"], ["carol", "nobody"])
        self.assertTrue(self.call("GET", "/v1/users/bob/presence", key=token).body["online"])
        for stranger in ("carol", "nobody"):
            hidden = self.call("GET", f"/v1/users/{stranger}/presence", key=token)
            self.assertEqual((403, "permission_denied", ""), hidden.refusal)

    def test_one_user_is_asked_for_by_path(self) -> None:
        answer = self.call("GET", "/v1/users/carol/presence").body
        self.assertEqual((answer["online"], answer["last_seen_ms"]), (False, AT_MS + 5_000))

    def test_a_key_needs_the_scope(self) -> None:
        key = self.make_key("push")
        for refused in (
            self.call("POST", "/v1/presence", {"users": ["bob"]}, key=key),
            self.call("GET", "/v1/users/bob/presence", key=key),
        ):
            self.assertEqual((403, "permission_denied", ""), refused.refusal)

    def test_bad_questions_name_the_field(self) -> None:
        bodies: list[Any] = [{"users": []}, {"users": ["u"] * 1_001}, {"users": ["a b"]}, {"users": "bob"}]
        for body in bodies:
            status, code, field = self.call("POST", "/v1/presence", body).refusal
            self.assertEqual((400, "invalid_argument", "users"), (status, code, field.partition("[")[0]))

    def test_operators_ask_on_the_admin_port(self) -> None:
        self.serve_operators()
        token = self.tokens.mint("root", 60, ("user", "admin"))
        answer = self.call("POST", "/v1/presence", {"users": ["bob"]}, key=token)
        self.assertEqual([each["online"] for each in answer.body["users"]], [True])
        self.assertEqual(self.call("GET", "/v1/users/bob", key=token).body["user"], "bob")
