"""What a push token may be."""

from twisted.trial.unittest import SynchronousTestCase

from im.core.errors import Refused
from im.core.reaching import PLATFORM_CHARACTERS, TOKEN_CHARACTERS, push_token_problem


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
