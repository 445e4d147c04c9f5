from typing import Any

from im.core.commands import SetDisabled
from im.test.http.api.world import ApiCase

DENIED = (403, "permission_denied", "")
GONE = (403, "permission_denied", "conversation")
UNKNOWN = (404, "not_found", "conversation")


class GroupCase(ApiCase):
    def setUp(self) -> None:
        super().setUp()
        self.know("alice", "bob", "carol", "dave")
        body = {"owner": "alice", "name": "Team", "members": ["bob"], "joining": "open"}
        self.group = self.ok("POST", "/v1/groups", body)["conversation"]
        self.path = f"/v1/groups/{self.group}"

    def change(self, what: str, body: Any = None, user: str = "") -> Any:
        return self.ok("POST", f"{self.path}/{what}?as={user}", body)

    def refused(self, what: str, body: Any = None, user: str = "") -> tuple[int, str, str]:
        return self.refusal("POST", f"{self.path}/{what}?as={user}", body)

    def members(self) -> dict[str, str]:
        page = self.ok("GET", f"{self.path}/members")
        return {each["user"]: each["role"] for each in page["members"]}


class MakingTests(GroupCase):
    def test_the_app_makes_a_group_for_an_owner(self) -> None:
        group = self.ok("GET", f"{self.path}?as=alice")
        self.assertEqual(
            ("Team", "alice", "owner", 2), (group["name"], group["owner"], group["role"], group["members"])
        )
        self.assertEqual(("open", "member"), (group["joining"], group["may_post"]))
        self.assertEqual("app", self.ok("GET", self.path)["role"])
        self.assertEqual(
            (400, "invalid_argument", "owner"), self.refusal("POST", "/v1/groups", {"name": "x"})
        )

    def test_what_a_user_makes_is_theirs(self) -> None:
        made = self.ok("POST", "/v1/groups?as=carol", {"name": "Mine"})
        owner = self.ok("GET", f"/v1/groups/{made['conversation']}")["owner"]
        self.assertEqual("carol", owner)
        refused = self.refusal("POST", "/v1/groups?as=carol", {"owner": "bob"})
        self.assertEqual((403, "permission_denied", "owner"), refused)

    def test_under_one_key_it_is_made_once_in_one_name(self) -> None:
        body = {"owner": "alice", "name": "Once"}
        first, again = (self.call("POST", "/v1/groups", body, Idempotency_Key="one").body for _ in range(2))
        self.assertEqual(first, again)
        other = self.call("POST", "/v1/groups?as=alice", body, Idempotency_Key="one")
        self.assertEqual((409, "conflict", "Idempotency-Key"), other.refusal)

    def test_what_can_be_no_group_is_refused(self) -> None:
        for body, field in (
            ({"owner": "alice", "name": "x" * 65}, "name"),
            ({"owner": "alice", "name": "\u0000"}, "name"),
            ({"owner": "alice", "members": ["bob", "bob"]}, "users"),
            ({"owner": "alice", "may_post": "app"}, "may_post"),
            ({"owner": "a b"}, "owner"),
        ):
            self.assertEqual((400, "invalid_argument", field), self.refusal("POST", "/v1/groups", body))
        unknown = self.refusal("POST", "/v1/groups", {"owner": "alice", "members": ["nobody"]})
        self.assertEqual((404, "not_found", "users"), unknown)
        self.assertEqual((400, "invalid_argument", "as"), self.refusal("POST", "/v1/groups?as=a~b", {}))


class ChangingTests(GroupCase):
    def test_a_group_is_described_anew(self) -> None:
        changed = self.ok("PATCH", f"{self.path}?as=alice", {"announcement": "Hi", "is_muted": True})
        self.assertEqual((self.group, 2), (changed["conversation"], changed["seq"]))
        self.assertEqual(0, self.ok("PATCH", f"{self.path}?as=alice", {"announcement": "Hi"})["seq"])
        group = self.ok("GET", f"{self.path}?as=bob")
        self.assertEqual(("Hi", True, "Team"), (group["announcement"], group["is_muted"], group["name"]))
        self.assertEqual(DENIED, self.refusal("PATCH", f"{self.path}?as=bob", {"name": "Bob's"}))

    def test_members_come_and_go(self) -> None:
        self.change("invite", {"users": ["carol"]}, "bob")
        self.change("join", {}, "dave")
        self.assertEqual({"alice", "bob", "carol", "dave"}, {*self.members()})
        self.change("leave", user="carol")
        self.change("remove", {"users": ["dave"]}, "alice")
        self.assertEqual({"alice": "owner", "bob": "member"}, self.members())
        self.assertEqual(0, self.change("remove", {"users": ["dave"]}, "alice")["seq"])
        for user, told in (("bob", 2), ("dave", 0)):
            self.assertEqual(told, self.ok("GET", f"{self.path}?as={user}")["members"])

    def test_who_asks_is_approved_or_declined(self) -> None:
        self.ok("PATCH", self.path, {"joining": "approval"})
        for user in ("carol", "dave"):
            self.assertTrue(self.change("join", {"text": "please"}, user)["asked"])
        asking = self.ok("GET", f"{self.path}/asking?as=alice&limit=1")
        self.assertEqual(
            ("carol", "please", "carol"),
            (asking["asking"][0]["user"], asking["asking"][0]["text"], asking["next"]),
        )
        self.assertEqual(DENIED, self.refusal("GET", f"{self.path}/asking?as=bob"))
        self.assertEqual(DENIED, self.refused("approve", {"user": "carol"}, "bob"))
        self.change("approve", {"user": "carol"}, "alice")
        self.change("decline", {"user": "dave"}, "alice")
        self.assertEqual((404, "not_found", "user"), self.refused("approve", {"user": "dave"}, "alice"))
        self.assertEqual({"alice", "bob", "carol"}, {*self.members()})

    def test_roles_are_given_and_the_group_given_away(self) -> None:
        self.change("role", {"user": "bob", "role": "admin"}, "alice")
        self.assertEqual("admin", self.members()["bob"])
        self.change("transfer", {"user": "bob"})
        self.assertEqual({"alice": "admin", "bob": "owner"}, self.members())
        bad = self.refused("role", {"user": "alice", "role": "owner"})
        self.assertEqual((400, "invalid_argument", "role"), bad)

    def test_a_member_is_silenced_for_a_time(self) -> None:
        self.change("silence", {"user": "bob", "seconds": 60}, "alice")
        say = {"conversation": self.group, "text": "hi"}
        self.assertEqual(GONE, self.refusal("POST", "/v1/messages?as=bob", say))
        self.change("silence", {"user": "bob", "seconds": 0}, "alice")
        self.ok("POST", "/v1/messages?as=bob", say)

    def test_a_dissolved_group_stays_as_it_is(self) -> None:
        self.change("dissolve", user="alice")
        self.assertEqual(0, self.change("dissolve", user="alice")["seq"])
        self.assertEqual(GONE, self.refused("invite", {"users": ["carol"]}))
        self.assertTrue(self.ok("GET", f"{self.path}?as=bob")["is_dissolved"])

    def test_the_app_has_no_place_of_its_own(self) -> None:
        for what, body in (("join", {}), ("leave", None)):
            self.assertEqual((400, "invalid_argument", "as"), self.refused(what, body))

    def test_nobody_does_what_their_role_does_not_allow(self) -> None:
        for what, body in (
            ("remove", {"users": ["alice"]}),
            ("role", {"user": "alice", "role": "member"}),
            ("transfer", {"user": "bob"}),
            ("silence", {"user": "alice", "seconds": 9}),
            ("dissolve", None),
        ):
            self.assertEqual(DENIED, self.refused(what, body, "bob"), what)
        self.successResultOf(self.store.write([SetDisabled("alice", True)]))
        self.assertEqual((403, "disabled", "user"), self.refused("dissolve", None, "alice"))


class ShowingTests(GroupCase):
    def test_members_come_in_pages(self) -> None:
        first = self.ok("GET", f"{self.path}/members?as=bob&limit=1")
        rest = self.ok("GET", f"{self.path}/members?as=bob&after={first['next']}")
        self.assertEqual(
            ("alice", "bob", ""), (first["members"][0]["user"], rest["members"][0]["user"], rest["next"])
        )
        for bad, field in (("after=%00", "after"), ("limit=501", "limit")):
            refused = self.refusal("GET", f"{self.path}/members?{bad}")
            self.assertEqual((400, "invalid_argument", field), refused)

    def test_to_a_stranger_a_group_does_not_exist(self) -> None:
        for path in (self.path, f"{self.path}/members", f"{self.path}/asking"):
            self.assertEqual(UNKNOWN, self.refusal("GET", f"{path}?as=carol"))
        self.assertEqual(UNKNOWN, self.refused("invite", {"users": ["dave"]}, "carol"))
        self.assertEqual(UNKNOWN, self.refusal("GET", "/v1/groups/g~none"))
        for path in ("/v1/groups/d~alice~bob", "/v1/groups/g~a%00"):
            self.assertEqual((400, "invalid_argument", "conversation"), self.refusal("GET", path))

    def test_who_left_sees_no_members_and_changes_nothing(self) -> None:
        self.change("remove", {"users": ["bob"]}, "alice")
        self.assertEqual("", self.ok("GET", f"{self.path}?as=bob")["role"])
        self.assertEqual(GONE, self.refusal("GET", f"{self.path}/members?as=bob"))
        self.assertEqual(GONE, self.refused("invite", {"users": ["carol"]}, "bob"))

    def test_users_act_by_their_own_token_in_their_own_name_only(self) -> None:
        bob, carol = self.own("bob"), self.own("carol")
        for path in (self.path, f"{self.path}?as=bob"):
            self.assertEqual("member", self.ok("GET", path, key=bob)["role"])
        self.assertEqual(DENIED, self.refusal("GET", f"{self.path}?as=alice", key=bob))
        self.assertEqual(UNKNOWN, self.refusal("GET", self.path, key=carol))
        self.assertEqual(DENIED, self.refusal("POST", f"{self.path}/dissolve", None, bob))
        made = self.ok("POST", "/v1/groups", {"name": "Carol's"}, carol)
        self.assertEqual("carol", self.ok("GET", f"/v1/groups/{made['conversation']}")["owner"])
        self.ok("POST", f"{self.path}/leave", None, bob)

    def test_a_key_needs_the_scope(self) -> None:
        key = self.make_key("relations", "messages:read", "messages:write")
        self.assertEqual(DENIED, self.refusal("GET", self.path, key=key))
        self.ok("GET", self.path, key=self.make_key("groups"))
