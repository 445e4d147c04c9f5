"""Push tokens over HTTP."""

from im.core.commands import Login
from im.core.reaching import RegisterPushToken
from im.test.http.api.world import ApiCase


class PushTokenTests(ApiCase):
    def setUp(self) -> None:
        super().setUp()
        writes = (Login("bob", "d1", "phone", 1), RegisterPushToken("bob", "d1", "fcm", "f1"))
        self.successResultOf(self.store.write(writes))

    def test_a_back_end_sees_the_tokens_of_a_user(self) -> None:
        expected = {"user": "bob", "tokens": [{"device": "d1", "platform": "fcm", "token": "f1"}]}
        self.assertEqual(expected, self.call("GET", "/v1/users/bob/push-tokens").body)
        self.assertEqual({"user": "eve", "tokens": []}, self.call("GET", "/v1/users/eve/push-tokens").body)
        bad = self.call("GET", "/v1/users/a%20b/push-tokens")
        self.assertEqual((400, "invalid_argument", "user"), bad.refusal)

    def test_a_user_sees_the_own_ones_only(self) -> None:
        token = self.tokens.mint("bob", 60)
        self.assertEqual(200, self.call("GET", "/v1/users/bob/push-tokens", key=token).status)
        self.assertEqual(403, self.call("GET", "/v1/users/eve/push-tokens", key=token).status)

    def test_a_token_that_its_service_refuses_is_forgotten(self) -> None:
        body = {"platform": "fcm", "token": "f1"}
        gone = self.call("POST", "/v1/push-tokens/remove", body)
        self.assertEqual({"user": "bob", "tokens": []}, gone.body)
        self.assertEqual("", self.call("POST", "/v1/push-tokens/remove", body).body["user"])
        for field, value in (("platform", ""), ("platform", "a b"), ("token", ""), ("token", "é")):
            bad = self.call("POST", "/v1/push-tokens/remove", body | {field: value})
            self.assertEqual((400, "invalid_argument", field), bad.refusal)
