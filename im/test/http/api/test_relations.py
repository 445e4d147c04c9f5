from im.core.commands import SetDisabled
from im.core.grouping import CreateGroup
from im.core.groups import group_conversation
from im.core.relations import REQUESTS_AT_ONCE
from im.test.http.api.world import ApiCase

ASKED = "/v1/users/alice/friend-requests"
KEY = bytes(16)
GROUP = group_conversation("carol", KEY)


class RelationCase(ApiCase):
    def setUp(self) -> None:
        super().setUp()
        self.know("alice", "bob", "carol")

    def befriend(self, user: str, peer: str) -> None:
        self.ok("POST", f"/v1/users/{user}/friend-requests", {"to": peer})
        self.ok("POST", f"/v1/users/{peer}/friend-requests/{user}/accept")


class RequestTests(RelationCase):
    def test_two_become_friends_and_who_accepts_greets(self) -> None:
        asked = self.ok("POST", ASKED, {"to": "bob", "text": "it's me"})
        self.assertEqual(
            ("bob", "", "pending"), (asked["user"], asked["relation"], asked["request"]["state"])
        )
        received = self.ok("GET", "/v1/users/bob/friend-requests")
        self.assertEqual((1, "it's me"), (received["unseen"], received["requests"][0]["text"]))
        accepted = self.ok("POST", "/v1/users/bob/friend-requests/alice/accept")
        self.assertEqual(("alice", "friend"), (accepted["user"], accepted["relation"]))
        self.assertEqual("friend", self.ok("GET", "/v1/users/alice/relations/bob")["relation"])
        page = self.ok("GET", "/v1/conversations/d~alice~bob/messages?as=alice")
        self.assertEqual((110, "hello"), (page["entries"][0]["kind"], page["entries"][-1]["text"]))

    def test_the_same_again_is_the_same_answer(self) -> None:
        for path, body in (
            (ASKED, {"to": "bob"}),
            ("/v1/users/bob/friend-requests/alice/accept", None),
            ("/v1/users/alice/blocks/carol", None),
        ):
            self.assertEqual(self.ok("POST", path, body), self.ok("POST", path, body))

    def test_a_request_is_declined_or_withdrawn(self) -> None:
        for user, what, state in (("bob", "decline", "declined"), ("alice", "withdraw", "withdrawn")):
            self.ok("POST", ASKED, {"to": "bob"})
            peer = "alice" if user == "bob" else "bob"
            answer = self.ok("POST", f"/v1/users/{user}/friend-requests/{peer}/{what}")
            self.assertEqual(state, answer["request"]["state"])
        nothing = self.call("POST", "/v1/users/bob/friend-requests/alice/accept")
        self.assertEqual((404, "not_found", "user"), nothing.refusal)

    def test_requests_come_in_pages_and_are_seen(self) -> None:
        for number in range(3):
            self.know(f"u{number}")
            self.ok("POST", f"/v1/users/u{number}/friend-requests", {"to": "alice"})
            self.clock.advance(1)
        found, after = [], ""
        for _ in range(3):
            page = self.ok("GET", f"{ASKED}?limit=1&after={after}")
            found += [each["requester"] for each in page["requests"]]
            after = page["next"]
        self.assertEqual((["u2", "u1", "u0"], "", 3), (found, after, page["unseen"]))
        self.assertEqual(3, self.ok("POST", f"{ASKED}/seen")["seen"])
        self.assertEqual(0, self.ok("GET", ASKED)["unseen"])
        sent = self.ok("GET", "/v1/users/u0/friend-requests?sent=true&limit=1")
        self.assertEqual((["alice"], ""), ([each["addressee"] for each in sent["requests"]], sent["next"]))
        for bad, field in (("after=x", "after"), ("after=%00", "after"), ("limit=51", "limit")):
            self.assertEqual((400, "invalid_argument", field), self.refusal("GET", f"{ASKED}?{bad}"))
        self.assertEqual(50, REQUESTS_AT_ONCE)

    def test_what_can_be_no_request_is_refused(self) -> None:
        for body, code, field in (
            ({"to": "alice"}, (400, "invalid_argument"), "user"),
            ({"to": "a b"}, (400, "invalid_argument"), "user"),
            ({"to": "bob", "text": "\u0000"}, (400, "invalid_argument"), "text"),
            ({"to": "bob", "text": "x" * 201}, (400, "invalid_argument"), "text"),
            ({"to": "nobody"}, (404, "not_found"), "user"),
        ):
            self.assertEqual((*code, field), self.refusal("POST", ASKED, body))
        for path in ("/v1/users/a%20b/friends", "/v1/users/%00/friend-requests"):
            self.assertEqual((400, "invalid_argument", "user"), self.refusal("GET", path))

    def test_who_is_blocked_can_not_ask(self) -> None:
        self.ok("POST", "/v1/users/bob/blocks/alice")
        refused = self.call("POST", ASKED, {"to": "bob"})
        self.assertEqual((403, "blocked", "conversation"), refused.refusal)
        self.ok("DELETE", "/v1/users/bob/blocks/alice")
        self.ok("POST", ASKED, {"to": "bob"})


class FriendTests(RelationCase):
    def test_friends_and_those_who_are_blocked_are_listed_in_pages(self) -> None:
        for peer in ("bob", "carol"):
            self.befriend("alice", peer)
        self.ok("PATCH", "/v1/users/alice/contacts/d~alice~bob", {"remark": "Bobby"})
        first = self.ok("GET", "/v1/users/alice/friends?limit=1")
        self.assertEqual([{"user": "bob", "remark": "Bobby"}], first["users"])
        rest = self.ok("GET", f"/v1/users/alice/friends?after={first['next']}")
        self.assertEqual(([{"user": "carol", "remark": ""}], ""), (rest["users"], rest["next"]))
        self.ok("POST", "/v1/users/alice/blocks/bob")
        blocked = self.ok("GET", "/v1/users/alice/blocks")["users"]
        self.assertEqual(["bob"], [each["user"] for each in blocked])
        self.ok("DELETE", "/v1/users/alice/blocks/bob")
        self.assertEqual([], self.ok("GET", "/v1/users/alice/blocks")["users"])

    def test_a_friendship_ends_for_both(self) -> None:
        self.befriend("alice", "bob")
        self.assertEqual("", self.ok("DELETE", "/v1/users/alice/friends/bob")["relation"])
        self.assertEqual([], self.ok("GET", "/v1/users/bob/friends")["users"])

    def test_what_is_kept_of_a_conversation_is_changed(self) -> None:
        self.befriend("alice", "bob")
        path = "/v1/users/alice/contacts/d~alice~bob"
        self.ok("PATCH", path, {"remark": "Bobby", "muted": True})
        kept = self.ok("PATCH", path, {"pinned": True, "hidden": True, "marked": True})
        expected = {"remark": "Bobby", "pinned": True, "muted": True, "hidden": True, "marked": True}
        self.assertEqual({"conversation": "d~alice~bob", **expected}, kept)
        for other, code in (("d~bob~carol", (404, "not_found")), ("d~bob", (400, "invalid_argument"))):
            answer = self.call("PATCH", f"/v1/users/alice/contacts/{other}", {"pinned": True})
            self.assertEqual((*code, "conversation"), answer.refusal)
        bad = self.call("PATCH", path, {"remark": "\u0000"})
        self.assertEqual((400, "invalid_argument", "remark"), bad.refusal)


class ContactTests(RelationCase):
    def test_contacts_show_what_was_said_last_and_what_is_unread(self) -> None:
        self.ok("POST", "/v1/messages?as=bob", {"to": "alice", "text": "hi"})
        self.clock.advance(1)
        self.successResultOf(
            self.store.write([CreateGroup(GROUP, "carol", KEY, "carol", "Team", members=("alice",))])
        )
        page = self.ok("GET", "/v1/users/alice/contacts")
        group, direct = page["contacts"]
        self.assertEqual(
            (GROUP, "Team", "member", ""),
            (group["conversation"], group["group"]["name"], group["group"]["role"], group["peer"]),
        )
        self.assertEqual(["alice"], group["last"]["event"]["users"][1:])
        self.assertEqual(
            ("bob", "hi", 1, None),
            (direct["peer"], direct["last"]["text"], direct["unread"], direct["group"]),
        )
        self.assertEqual((1, ""), (page["unread"], page["next"]))
        first = self.ok("GET", "/v1/users/alice/contacts?limit=1")
        rest = self.ok("GET", f"/v1/users/alice/contacts?limit=1&after={first['next']}")
        self.assertEqual([direct], rest["contacts"])
        self.assertEqual(
            (400, "invalid_argument", "after"), self.refusal("GET", "/v1/users/alice/contacts?after=x")
        )


class CallerTests(RelationCase):
    def test_users_manage_what_is_theirs_by_their_own_token(self) -> None:
        alice, bob = self.own("alice"), self.own("bob")
        self.ok("POST", ASKED, {"to": "bob"}, alice)
        self.ok("POST", "/v1/users/bob/friend-requests/alice/accept", None, bob)
        for path in ("friends", "contacts", "friend-requests", "relations/bob", "blocks"):
            self.ok("GET", f"/v1/users/alice/{path}", key=alice)
            refused = self.call("GET", f"/v1/users/alice/{path}", key=bob)
            self.assertEqual((403, "permission_denied", ""), refused.refusal)
        refused = self.call("PATCH", "/v1/users/alice/contacts/d~alice~bob", {"pinned": True}, bob)
        self.assertEqual((403, "permission_denied", ""), refused.refusal)

    def test_a_disabled_user_has_nothing_to_ask(self) -> None:
        token = self.own("alice")
        self.successResultOf(self.store.write([SetDisabled("alice", True)]))
        self.assertEqual((403, "disabled", "user"), self.refusal("GET", ASKED, key=token))
        self.assertEqual((403, "disabled", "user"), self.refusal("POST", ASKED, {"to": "bob"}))
        self.ok("GET", "/v1/route", key=token)

    def test_a_key_needs_the_scope(self) -> None:
        key = self.make_key("messages:read")
        self.ok("GET", "/v1/users/alice/contacts", key=key)
        self.assertEqual(
            (403, "permission_denied", ""), self.refusal("GET", "/v1/users/alice/friends", key=key)
        )
        other = self.make_key("relations")
        self.assertEqual(
            (403, "permission_denied", ""), self.refusal("GET", "/v1/users/alice/contacts", key=other)
        )
        self.ok("GET", "/v1/users/alice/friends", key=other)
