"""What users do over HTTP passes the hooks of others, as on the wire."""

from typing import Any

from twisted.internet.defer import execute

from im.business.hooks import HookSet
from im.core.errors import Code, Refused, RefusedError
from im.hook import GroupIntent, Hook, HookContext, HookOwner, Message, RelationIntent
from im.isolation import HandlerCounters
from im.test.http.api.world import ApiCase

NO = (403, "permission_denied", "")


class Strict(Hook):
    """Refuses all that it is asked about, but for messages that it makes polite."""

    def before_message(self, context: HookContext, message: Message) -> Any:
        return message.content.replace(b"damn", b"****")

    def before_relation(self, context: HookContext, intent: RelationIntent) -> Any:
        raise RefusedError(Refused(Code.PERMISSION_DENIED, "not here"))

    def before_group_change(self, context: HookContext, intent: GroupIntent) -> Any:
        raise RefusedError(Refused(Code.PERMISSION_DENIED, "not here"))


class HookTests(ApiCase):
    def hooks(self) -> HookSet:
        return HookSet([HookOwner("strict", Strict())], lambda owner: execute, HandlerCounters())

    def setUp(self) -> None:
        super().setUp()
        self.know("alice", "bob")

    def test_messages_are_changed_on_their_way(self) -> None:
        path, body = "/v1/messages?as=alice", {"to": "bob", "text": "damn"}
        first, again = (self.call("POST", path, body, Idempotency_Key="one").body for _ in range(2))
        self.assertEqual(first, again)
        page = self.ok("GET", "/v1/conversations/d~alice~bob/messages?as=bob")
        self.assertEqual(["****"], [each["text"] for each in page["entries"]])

    def test_what_hooks_refuse_is_not_done(self) -> None:
        refused = self.refusal("POST", "/v1/users/alice/friend-requests", {"to": "bob"})
        self.assertEqual(NO, refused)
        self.assertEqual(NO, self.refusal("POST", "/v1/groups?as=alice", {}))
        answer = self.ok("POST", "/v1/friends/import", {"friends": [{"user": "alice", "friend": "bob"}]})
        self.assertEqual(["permission_denied"], [each["code"] for each in answer["refused"]])

    def test_nobody_is_asked_about_what_the_app_itself_does(self) -> None:
        self.ok("POST", "/v1/groups", {"owner": "alice"})
        self.ok("POST", "/v1/messages", {"to": "bob", "text": "damn"})
        page = self.ok("GET", "/v1/conversations/i~bob/messages?as=bob")
        self.assertEqual("damn", page["entries"][0]["text"])
