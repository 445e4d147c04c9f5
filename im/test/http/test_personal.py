"""A person's data over the admin port: told page by page, erased step by step."""

from typing import Any, cast
from unittest.mock import patch

from twisted.internet.defer import Deferred

from im.adapters.sql.operations import erasing
from im.business.erasing import Eraser, ErasingParts
from im.core.commands import Command, CreateUser, Login, Result, Write
from im.core.custom import Conclude, CustomReply
from im.core.grouping import (
    ChangeGroup,
    CreateGroup,
    GetGroup,
    GroupRecord,
    Join,
)
from im.core.groups import group_conversation
from im.core.ledger import CloseSession, OpenSession
from im.http.personal import PersonalDesk
from im.test.http.test_admin import NOW, AdminCase, a_session
from im.testing.contracts.store import a_send, client_id

GROUP = group_conversation("alice", client_id(1))
LONELY = group_conversation("alice", client_id(2))
OTHERS = group_conversation("bob", client_id(3))


class PersonalTests(AdminCase):
    def setUp(self) -> None:
        super().setUp()
        self.keys = 0
        self.told: list[ChangeGroup] = []
        eraser = Eraser(ErasingParts(self.store, self.access, self.execute, self.new_key))
        self.serve(personal=PersonalDesk(self.store, eraser))

    def new_key(self) -> bytes:
        self.keys += 1
        return client_id(1_000 + self.keys)

    def execute(self, command: Command) -> Deferred[Result]:
        """What others hear of."""
        assert isinstance(command, ChangeGroup)
        self.told.append(command)
        written: Deferred[list[Result]] = self.store.write([command])
        return written.addCallback(lambda results: results[0])

    def write(self, *batch: Write) -> None:
        self.successResultOf(self.store.write(batch))

    def live(self) -> None:
        """Alice owns two groups, one alone, and asks to be let into a third."""
        opened = OpenSession("s1", "alice", "a1", "phone", "n1", int(NOW * 1000) - 9_000, True, 30_000)
        records = (("alice", b"record"),)
        self.write(
            CreateUser("alice"),
            Login("alice", "a1", "phone", 1),
            opened,
            CloseSession(opened, int(NOW * 1000), "logout", 31_000),
            *(a_send(number) for number in range(10, 15)),
            CreateGroup(GROUP, "alice", client_id(1), "alice", "Friends", members=("bob", "carol")),
            CreateGroup(LONELY, "alice", client_id(2), "alice", "Mine"),
            CreateGroup(OTHERS, "bob", client_id(3), "bob", "Theirs"),
            ChangeGroup(OTHERS, "alice", client_id(4), Join("please")),
            Conclude("vote", "bob", client_id(5), (), records, (), CustomReply(0, b"")),
        )

    def erase(self) -> list[dict[str, Any]]:
        """Every step."""
        steps = [self.ask("/v1/personal-data/erase", "POST", {"user": "alice"})]
        while steps[-1]["next"] is not None:
            body = {"user": "alice", "at": steps[-1]["next"]}
            steps.append(self.ask("/v1/personal-data/erase", "POST", body))
            self.assertLess(len(steps), 30)
        return steps

    def group(self, conversation: str) -> GroupRecord:
        record = self.successResultOf(self.store.read(GetGroup(conversation, "")))
        assert isinstance(record, GroupRecord)
        return record

    def export(self) -> list[dict[str, Any]]:
        page = self.ask("/v1/personal-data/export?user=alice")
        self.assertIsNone(page["next"])
        return cast(list[dict[str, Any]], page["records"])

    def test_all_that_is_stored_is_told(self) -> None:
        self.live()
        records = self.export()
        self.assertEqual("alice", records[0]["user"])
        texts = [each.get("text") for each in records if each["record"] == "message"]
        self.assertIn("text 12", texts)

    def test_a_user_is_erased_step_by_step_until_nothing_is_left(self) -> None:
        self.live()
        steps = self.erase()
        self.assertEqual(5, sum(step["messages"] for step in steps))
        self.assertEqual(4, sum(step["rows"] for step in steps))  # device, session, what was asked, record
        records = {each["record"] for each in self.export()}
        self.assertEqual({"user", "place", "message"}, records)
        again = self.erase()
        self.assertEqual(0, sum(step["messages"] + step["rows"] for step in again))

    def test_groups_go_on_with_another_owner_or_end(self) -> None:
        self.live()
        self.erase()
        friends = self.group(GROUP)
        self.assertEqual(("bob", 2, False), (friends.owner, friends.members, friends.is_dissolved))
        self.assertTrue(self.group(LONELY).is_dissolved)
        self.assertEqual(0, self.group(OTHERS).asking)
        names = [(type(each.change).__name__, each.user) for each in self.told]
        self.assertEqual(4, len(names))
        self.assertEqual({("Transfer", ""), ("Remove", ""), ("Dissolve", ""), ("Decline", "")}, {*names})

    def test_sessions_end_at_once(self) -> None:
        self.live()
        self.register(a_session(1, "alice"), a_session(2, "bob"))
        batches: list[Any] = []
        self.bus.attach("n1", batches.append)
        self.ask("/v1/personal-data/erase", "POST", {"user": "alice"})
        self.assertEqual(["s1"], [each.session for batch in batches for each in batch.evictions])

    def test_a_long_log_takes_several_steps_and_what_is_broken_off_is_begun_again(self) -> None:
        self.live()
        with patch.object(erasing, "ENTRIES_AT_ONCE", 2):
            at = self.ask("/v1/personal-data/erase", "POST", {"user": "alice"})["next"]
            step = self.ask("/v1/personal-data/erase", "POST", {"user": "alice", "at": at})
            self.assertEqual((2, '["", 3]'), (step["messages"], step["next"]))
            self.assertIn("text 12", str(self.export()))
            self.assertEqual(3, sum(step["messages"] for step in self.erase()))
        self.assertNotIn("text 12", str(self.export()))

    def test_a_session_that_is_still_open_is_waited_for(self) -> None:
        opened = OpenSession("s1", "alice", "a1", "phone", "n1", int(NOW * 1000) - 9_000, True, 30_000)
        self.write(CreateUser("alice"), opened)
        at = self.ask("/v1/personal-data/erase", "POST", {"user": "alice"})["next"]
        for _ in range(3):
            step = self.ask("/v1/personal-data/erase", "POST", {"user": "alice", "at": at})
            self.assertEqual(1, step["sessions"])
            at = step["next"]
        self.write(CloseSession(opened, int(NOW * 1000), "disabled", 31_000))
        rows = []
        while at is not None:
            step = self.ask("/v1/personal-data/erase", "POST", {"user": "alice", "at": at})
            rows.append(step["rows"])
            at = step["next"]
        self.assertEqual([1, 0], rows)

    def test_a_wrong_question_is_refused(self) -> None:
        self.write(CreateUser("alice"), a_send(1))
        cases: list[tuple[str, str, object, int, str]] = [
            ("GET", "/v1/personal-data/export", None, 400, "user"),
            ("GET", "/v1/personal-data/export?user=nobody", None, 404, "user"),
            ("GET", "/v1/personal-data/export?user=alice&after=x", None, 400, "after"),
            ("POST", "/v1/personal-data/erase", {}, 400, "user"),
            ("POST", "/v1/personal-data/erase", {"user": "nobody"}, 404, "user"),
            ("POST", "/v1/personal-data/erase", {"user": "alice", "at": '["", 1]'}, 409, "user"),
        ]
        cases += [
            ("POST", "/v1/personal-data/erase", {"user": "alice", "at": at}, 400, "at")
            for at in ("x", "[]", '["", 0]', '["", true]', "[1, 1]", "5", "[" * 5_000)
        ]
        for method, path, body, expected, field in cases:
            status, answer = self.call(method, path, body)
            error = cast(dict[str, str], answer["error"])
            self.assertEqual((expected, field), (status, error["field"]), (path, body))

    def test_it_is_for_operators_only(self) -> None:
        for method, path in (("GET", "export?user=alice"), ("POST", "erase")):
            status, _ = self.call(method, f"/v1/personal-data/{path}", {"user": "alice"}, ("user",))
            self.assertEqual(403, status)
