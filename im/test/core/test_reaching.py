"""What a push token may be, and of which messages those who are away are told."""

from twisted.trial.unittest import SynchronousTestCase

from im.core.entries import (
    EDIT,
    FIRST_APP_KIND,
    GROUP_CREATED,
    PLACEHOLDER,
    PUSH,
    RECALL,
    RECALLED,
    RICH,
    TEXT,
    VOICE,
)
from im.core.errors import Refused
from im.core.reaching import (
    PLATFORM_CHARACTERS,
    TOKEN_CHARACTERS,
    AwayDevice,
    OfflineMessage,
    may_be_told,
    push_token_problem,
)


class TokenTests(SynchronousTestCase):
    def field(self, platform: str, token: str) -> str:
        refused = push_token_problem(platform, token)
        assert isinstance(refused, Refused)
        return refused.field

    def test_a_token_is_visible_ascii_or_nothing(self) -> None:
        subscription = '{"endpoint":"https://push.example/x","keys":{"auth":"y"}}'
        for token in ("", "t" * TOKEN_CHARACTERS, subscription):
            self.assertIsNone(push_token_problem("web", token))
        for token in ("t" * (TOKEN_CHARACTERS + 1), "two words", "nul\0", "é", "\ud800"):
            self.assertEqual("token", self.field("fcm", token))

    def test_a_platform_has_a_short_name(self) -> None:
        self.assertIsNone(push_token_problem("p" * PLATFORM_CHARACTERS, "t"))
        for platform in ("", "p" * (PLATFORM_CHARACTERS + 1), "a b", "ü"):
            self.assertEqual("platform", self.field(platform, "t"))


class MessageTests(SynchronousTestCase):
    def test_messages_and_stored_pushes_are_told_and_nothing_else(self) -> None:
        told = [TEXT, VOICE, RICH, FIRST_APP_KIND, PUSH]
        untold = [PLACEHOLDER, RECALLED, GROUP_CREATED, RECALL, EDIT]
        self.assertEqual([True] * len(told), [may_be_told(kind) for kind in told])
        self.assertEqual([False] * len(untold), [may_be_told(kind) for kind in untold])

    def test_the_key_tells_messages_and_users_apart(self) -> None:
        one = OfflineMessage("bob", "g~1", 7, "alice", TEXT, 0, b"", False, 0, False, False, ())
        others = (one._replace(user="eve"), one._replace(seq=8), one._replace(conversation="g~2"))
        self.assertEqual(4, len({each.key for each in (one, *others)}))
        self.assertEqual(one.key, one._replace(badge=3, devices=(AwayDevice("d", "phone", "fcm", "t"),)).key)
