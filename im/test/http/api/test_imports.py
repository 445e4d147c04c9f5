from typing import Any

from twisted.internet.defer import Deferred, succeed

from im.core.commands import Command, Result
from im.core.errors import Code, Refused
from im.core.grouping import Invite
from im.core.groups import USERS_AT_ONCE
from im.core.relations import AskFriend, Block
from im.test.http.api.world import ApiCase

FRIENDS, GROUPS = "/v1/friends/import", "/v1/groups/import"


class ImportCase(ApiCase):
    unavailable: type[Any] | None = None

    def setUp(self) -> None:
        super().setUp()
        self.know("alice", "bob", "carol", "dave")

    def ask(self, command: Command) -> "Deferred[Result]":
        """Refuses commands of one kind for the moment, if `unavailable` says so."""
        kind = type(getattr(command, "change", command))
        if self.unavailable is not None and self.unavailable is kind:
            return succeed(Refused(Code.UNAVAILABLE, "not now"))
        return super().ask(command)

    def friends(self, user: str) -> list[str]:
        return [each["user"] for each in self.ok("GET", f"/v1/users/{user}/friends")["users"]]

    def members(self, group: str) -> list[str]:
        return [each["user"] for each in self.ok("GET", f"/v1/groups/{group}/members?limit=500")["members"]]


class FriendTests(ImportCase):
    def test_who_is_refused_is_told_and_the_rest_is_done(self) -> None:
        self.successResultOf(self.store.write([Block("dave", "alice", True)]))
        pairs = [
            ("alice", "bob"),
            ("alice", "nobody"),
            ("carol", "carol"),
            ("alice", "dave"),
            ("bob", "carol"),
        ]
        body = {"friends": [{"user": user, "friend": friend} for user, friend in [*pairs, ("alice", "bob")]]}
        for _ in range(2):
            answer = self.ok("POST", FRIENDS, body)
            self.assertEqual(2, answer["imported"])
            refused = [(each["user"], each["friend"], each["code"]) for each in answer["refused"]]
            expected = [
                ("alice", "nobody", "not_found"),
                ("carol", "carol", "invalid_argument"),
                ("alice", "dave", "blocked"),
            ]
            self.assertEqual(expected, refused)
        self.assertEqual(["alice", "carol"], self.friends("bob"))
        entries = self.ok("GET", "/v1/conversations/d~alice~bob/messages?as=bob")["entries"]
        self.assertEqual(["requested", "accepted"], [each["event"]["what"] for each in entries])

    def test_one_that_was_asked_before_is_accepted(self) -> None:
        self.ok("POST", "/v1/users/bob/friend-requests", {"to": "alice"})
        self.ok("POST", FRIENDS, {"friends": [{"user": "alice", "friend": "bob"}]})
        self.assertEqual(["bob"], self.friends("alice"))

    def test_many_are_done_page_by_page(self) -> None:
        users = [f"u{number}" for number in range(100)]
        self.know(*users)
        body = {"friends": [{"user": "alice", "friend": user} for user in users]}
        self.assertEqual({"imported": 100, "refused": []}, self.ok("POST", FRIENDS, body))
        too_many = {"friends": body["friends"] * 11}
        self.assertEqual((400, "invalid_argument", "friends"), self.refusal("POST", FRIENDS, too_many))

    def test_what_is_refused_for_the_moment_may_be_asked_again(self) -> None:
        self.unavailable = AskFriend
        body = {"friends": [{"user": "alice", "friend": "bob"}]}
        answer = self.call("POST", FRIENDS, body, Idempotency_Key="one")
        self.assertEqual((503, "unavailable", ""), answer.refusal)
        self.unavailable = None
        answer = self.call("POST", FRIENDS, body, Idempotency_Key="one")
        self.assertEqual({"imported": 1, "refused": []}, answer.body)


class GroupTests(ImportCase):
    def test_groups_come_with_their_members_and_who_is_refused_is_told(self) -> None:
        body = {
            "groups": [
                {"key": "1", "owner": "alice", "name": "One", "members": ["bob", "nobody", "carol", "bob"]},
                {"key": "2", "owner": "nobody", "members": ["bob"]},
                {"key": "3", "owner": "bob", "may_post": "admin"},
            ]
        }
        answers = [self.ok("POST", GROUPS, body) for _ in range(2)]
        self.assertEqual(answers[0], answers[1])
        made = {each["key"]: each["conversation"] for each in answers[0]["groups"]}
        self.assertEqual(["1", "3"], [*made])
        refused = [(each["key"], each["user"], each["code"]) for each in answers[0]["refused"]]
        self.assertEqual([("1", "nobody", "not_found"), ("2", "", "not_found")], refused)
        self.assertEqual(["alice", "bob", "carol"], self.members(made["1"]))
        self.assertEqual("admin", self.ok("GET", f"/v1/groups/{made['3']}")["may_post"])

    def test_a_large_group_is_filled_page_by_page(self) -> None:
        users = [f"u{number:03}" for number in range(USERS_AT_ONCE + 50)]
        self.know(*users)
        for part in (users[:120], users[120:]):
            body = {"groups": [{"key": "1", "owner": "alice", "members": part}]}
            (group,) = self.ok("POST", GROUPS, body)["groups"]
        self.assertEqual(["alice", *users], self.members(group["conversation"]))

    def test_who_left_since_is_not_brought_back_by_the_same_import(self) -> None:
        body = {"groups": [{"key": "1", "owner": "alice", "members": ["bob"]}]}
        (group,) = self.ok("POST", GROUPS, body)["groups"]
        self.ok("POST", f"/v1/groups/{group['conversation']}/leave?as=bob")
        self.ok("POST", GROUPS, body)
        self.assertEqual(["alice"], self.members(group["conversation"]))

    def test_what_is_refused_for_the_moment_is_gone_on_with(self) -> None:
        body = {
            "groups": [{"key": str(number), "owner": "alice", "members": ["bob"]} for number in range(40)]
        }
        self.unavailable = Invite
        self.assertEqual((503, "unavailable", ""), self.refusal("POST", GROUPS, body))
        self.unavailable = None
        made = self.ok("POST", GROUPS, body)["groups"]
        self.assertEqual((40, ["alice", "bob"]), (len(made), self.members(made[0]["conversation"])))

    def test_an_import_has_its_bounds(self) -> None:
        twice = [{"key": "1", "owner": "alice"}] * 2
        many = [{"key": str(number), "owner": "alice", "members": ["bob"] * 3_000} for number in range(2)]
        for groups in (twice, many, [], [{"key": "", "owner": "alice"}]):
            status, code, _ = self.refusal("POST", GROUPS, {"groups": groups})
            self.assertEqual((400, "invalid_argument"), (status, code))

    def test_it_is_for_back_ends_only(self) -> None:
        for path, body in (
            (FRIENDS, {"friends": [{"user": "alice", "friend": "bob"}]}),
            (GROUPS, {"groups": [{"key": "1", "owner": "alice"}]}),
        ):
            for key in (self.own("alice"), self.make_key("messages:write")):
                self.assertEqual((403, "permission_denied", ""), self.refusal("POST", path, body, key))
