from im.core.ledger import CloseSession, OpenSession
from im.test.http.api.world import NOW, ApiCase

AT_MS = int(NOW * 1000) - 7_200_000


class OnlineTimeTests(ApiCase):
    def setUp(self) -> None:
        super().setUp()
        self.know("alice")
        opened = OpenSession("s1", "alice", "phone", "phone", "n1", AT_MS, True, 30_000)
        closed = CloseSession(opened, AT_MS + 60_000, "logout", 0)
        self.successResultOf(self.store.write([opened, closed]))

    def test_a_users_online_time_is_told(self) -> None:
        for key in (self.key, self.tokens.mint("alice", 60)):
            answer = self.call("GET", "/v1/users/alice/online-time", key=key).body
            self.assertEqual(("alice", "UTC"), (answer["user"], answer["zone"]))
            total = sum(each["online_seconds"] for each in answer["online_time"])
            self.assertEqual(120.0, total)  # of the phone, and of all

    def test_everyones_online_time_comes_in_pages(self) -> None:
        answer = self.call("GET", "/v1/online-time").body
        self.assertEqual((["alice"], ""), ([each["user"] for each in answer["users"]], answer["next"]))

    def test_a_wrong_question_names_its_field(self) -> None:
        for query, field in (("zone=Mars", "zone"), ("by=week", "by"), ("from=2026-02-30", "from")):
            answer = self.call("GET", f"/v1/users/alice/online-time?{query}")
            self.assertEqual((400, "invalid_argument", field), answer.refusal)
        theirs = self.call("GET", "/v1/online-time", key=self.tokens.mint("alice", 60))
        self.assertEqual((403, "permission_denied", ""), theirs.refusal)
