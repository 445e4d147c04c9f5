"""Unread numbers over the admin port: explained, recounted, and what a wrong question gets."""

from im.core.messages import Send
from im.test.http.test_admin import AdminCase
from im.testing.contracts.store import DIRECT, a_send, client_id


class UnreadTests(AdminCase):
    def keep(self, *sends: Send) -> None:
        self.successResultOf(self.store.write(sends))

    def test_a_number_is_explained(self) -> None:
        custom = Send(DIRECT, "alice", "phone", client_id(2), b"", 0, 40, b"x")
        self.keep(a_send(1), custom)
        told = self.ask(f"/v1/unread/explain?user=bob&conversation={DIRECT}")
        self.assertEqual((2, 2), (told["unread"], told["recounted"]))
        self.assertEqual(({"seq": 2, "n": 2}, {"seq": 0, "n": 0}), (told["head"], told["seen"]))
        self.assertEqual(["text", "app"], [each["name"] for each in told["messages"]])
        self.assertEqual(["alice"] * 2, [each["sender"] for each in told["messages"]])

    def test_all_numbers_are_recounted(self) -> None:
        self.keep(a_send(1))
        self.assertEqual({"places": 2, "differences": [], "next": None}, self.ask("/v1/unread/verify"))
        self.assertEqual(1, self.ask("/v1/unread/verify?user=bob")["places"])
        rest = f"/v1/unread/verify?after_conversation={DIRECT}&after_user=alice"
        self.assertEqual(1, self.ask(rest)["places"])

    def test_what_differs_is_told_and_where_to_go_on(self) -> None:
        self.keep(*(a_send(1, conversation=f"d~alice~b{number:03}") for number in range(150)))
        spoil = "UPDATE member SET read_n = 1 WHERE user_id = 'b007'"
        self.database.connect_writer().execute(spoil)
        page = self.ask("/v1/unread/verify")
        wrong = {"conversation": "d~alice~b007", "user": "b007", "unread": 0, "recounted": 1}
        self.assertEqual(200, page["places"])
        self.assertEqual([wrong], page["differences"])
        self.assertEqual({"after_conversation": "d~alice~b099", "after_user": "b099"}, page["next"])

    def test_a_wrong_question_is_refused(self) -> None:
        self.assert_field("/v1/unread/explain", "user")
        self.assert_field(f"/v1/unread/explain?user=eve&conversation={DIRECT}", "conversation", 404)
        self.assert_field("/v1/unread/verify?users=bob", "users")
        self.assert_field("/v1/unread/verify?after_user=%0A", "after")

    def test_it_is_for_operators_only(self) -> None:
        for path in ("/v1/unread/explain", "/v1/unread/verify"):
            self.assertEqual(403, self.call("GET", path, scopes=("user",))[0])
