from im.core.personal import EraseUser
from im.ports import Eviction
from im.test.http.api.world import NOW, ORIGIN, ApiCase


class UserTests(ApiCase):
    def test_a_user_is_made_with_a_profile(self) -> None:
        body = {"user": "alice", "name": "Alice", "fields": {"vip": "yes"}}
        expected = {"user": "alice", "name": "Alice", "avatar": "", "fields": {"vip": "yes"}}
        for _ in range(2):
            self.assertEqual(expected, self.call("POST", "/v1/users", body).body)
        self.assertEqual(expected, self.call("GET", "/v1/users/alice").body)

    def test_a_bad_user_is_refused(self) -> None:
        for user in ("", "a b", "a~b", "a\u0000", "x" * 65):
            answer = self.call("POST", "/v1/users", {"user": user})
            self.assertEqual((400, "invalid_argument", "user"), answer.refusal)
        answer = self.call("POST", "/v1/users", {"user": "a", "age": 3})
        self.assertEqual((400, "invalid_argument"), answer.refusal[:2])
        self.assertIn("age", answer.body["error"]["text"])

    def test_nobody_gets_the_id_of_an_erased_user_again(self) -> None:
        self.know("alice")
        self.successResultOf(self.store.write([EraseUser("alice")]))
        for body in ({"user": "alice"}, {"user": "alice", "name": "Alice"}):
            self.assertEqual((409, "conflict", "user"), self.call("POST", "/v1/users", body).refusal)

    def test_an_import_tells_who_was_refused(self) -> None:
        users = [{"user": f"u{number}", "name": "N"} for number in range(250)]
        answer = self.call("POST", "/v1/users/import", {"users": [*users, {"user": "a b"}]}).body
        self.assertEqual(250, answer["imported"])
        (refused,) = answer["refused"]
        self.assertEqual(("a b", "invalid_argument"), (refused["user"], refused["code"]))
        self.assertEqual(200, self.call("GET", "/v1/users/u249").status)
        too_many = self.call("POST", "/v1/users/import", {"users": [{"user": "a"}] * 1_001})
        self.assertEqual((400, "invalid_argument", "users"), too_many.refusal)

    def test_a_profile_is_changed(self) -> None:
        self.know("alice")
        changed = self.call("PATCH", "/v1/users/alice", {"avatar": "a.png"}).body
        self.assertEqual(("", "a.png"), (changed["name"], changed["avatar"]))
        self.assertEqual((404, "not_found", "user"), self.call("PATCH", "/v1/users/bob", {}).refusal)
        self.assertEqual((404, "not_found", "user"), self.call("GET", "/v1/users/bob").refusal)

    def test_names_in_paths_may_be_escaped(self) -> None:
        self.know("ø/1")
        self.assertEqual("ø/1", self.call("GET", "/v1/users/%C3%B8%2F1").body["user"])
        self.assertEqual(404, self.call("GET", "/v1/users/%FF").status)

    def test_a_disabled_user_is_put_out_until_enabled(self) -> None:
        self.come("alice")
        self.assertEqual({"evicted": 1}, self.call("POST", "/v1/users/alice/disable").body)
        self.assertEqual({"evicted": 0}, self.call("POST", "/v1/users/alice/enable").body)
        self.assertEqual(404, self.call("POST", "/v1/users/nobody/enable").status)

    def test_users_get_and_change_what_is_theirs(self) -> None:
        self.know("alice", "bob")
        token = self.tokens.mint("alice", 60)
        self.assertEqual(200, self.call("PATCH", "/v1/users/alice", {"name": "A"}, token).status)
        self.assertEqual(200, self.call("GET", "/v1/sessions?user=alice", key=token).status)
        for path in ("/v1/users/bob", "/v1/sessions", "/v1/sessions?user=bob"):
            self.assertEqual((403, "permission_denied", ""), self.call("GET", path, key=token).refusal)
        answer = self.call("POST", "/v1/users/alice/disable", key=token)
        self.assertEqual((403, "permission_denied", ""), answer.refusal)


class TokenTests(ApiCase):
    def test_a_token_is_made(self) -> None:
        answer = self.call("POST", "/v1/tokens", {"user": "alice", "ttl_seconds": 60}).body
        identity = self.tokens.verify(answer["token"])
        self.assertEqual(("alice", NOW + 60), (identity.user, identity.expires_at))
        bad = self.call("POST", "/v1/tokens", {"user": "a b"})
        self.assertEqual((400, "invalid_argument", "user"), bad.refusal)
        endless = self.call("POST", "/v1/tokens", {"user": "a", "ttl_seconds": 10**9})
        self.assertEqual((400, "invalid_argument", "ttl_seconds"), endless.refusal)


class SessionTests(ApiCase):
    def test_sessions_are_listed(self) -> None:
        for user in ("bob", "alice"):
            self.come(user)
        answer = self.call("GET", "/v1/sessions?limit=1").body
        self.assertEqual((["alice"], True), ([each["user"] for each in answer["sessions"]], answer["more"]))
        self.assertEqual(1, len(self.call("GET", "/v1/sessions?user=bob").body["sessions"]))
        for bad in ("0", "1001", "x"):
            answer = self.call("GET", f"/v1/sessions?limit={bad}")
            self.assertEqual((400, "invalid_argument", "limit"), answer.refusal)

    def test_sessions_are_ended(self) -> None:
        for device in ("phone", "laptop"):
            self.come("alice", device)
        body = {"user": "alice", "device": "phone", "text": "bye"}
        self.assertEqual({"evicted": 1}, self.call("POST", "/v1/sessions/kick", body).body)
        (eviction,) = self.told[-1].evictions
        assert isinstance(eviction, Eviction)
        self.assertEqual(("alice-phone", "bye"), (eviction.session, eviction.text))
        bad = self.call("POST", "/v1/sessions/kick", {**body, "text": "a\nb"})
        self.assertEqual((400, "invalid_argument", "text"), bad.refusal)


class EveryRouteTests(ApiCase):
    def test_only_health_is_open(self) -> None:
        document = self.call("GET", "/v1/openapi.json").body
        for path, methods in document["paths"].items():
            for method in methods:
                answer = self.call(method.upper(), path.replace("{", "").replace("}", ""), key="")
                expected = 200 if path == "/v1/health" else 401
                self.assertEqual(expected, answer.status, path)

    def test_a_key_that_was_never_made_and_a_token_of_nobody_are_refused(self) -> None:
        for key in ("imk_00", "x", "x" * 5_000):
            answer = self.call("GET", "/v1/route", key=key)
            self.assertEqual((401, "unauthenticated", ""), answer.refusal)
            self.assertEqual("Bearer", answer.headers["www-authenticate"])

    def test_a_node_tells_clients_where_it_is(self) -> None:
        answer = self.call("GET", "/v1/route", key=self.tokens.mint("alice", 60))
        node = {"node": "n1", "tcp": ["tcp:127.0.0.1:7222"], "websocket": "ws://127.0.0.1:7280/ws"}
        self.assertEqual({"nodes": [node]}, answer.body)

    def test_unknown_paths_methods_parameters_and_bodies_are_refused(self) -> None:
        self.assertEqual((404, "not_found", ""), self.call("GET", "/v1/nothing").refusal)
        self.assertEqual(404, self.call("GET", "/v1/users/{user}/nothing").status)
        answer = self.call("DELETE", "/v1/users/alice")
        self.assertEqual((405, "GET, PATCH"), (answer.status, answer.headers["allow"]))
        self.assertEqual((400, "invalid_argument", "x"), self.call("GET", "/v1/users/alice?x=1").refusal)
        self.assertEqual((400, "invalid_argument", "body"), self.call("GET", "/v1/route", {"a": 1}).refusal)
        for bad in (b"", b"{", b"[]", b"\xff", b'{"user": "\\ud800"}', b"[" * 100_000):
            answer = self.call("POST", "/v1/users", bad)
            self.assertEqual((400, "invalid_argument"), answer.refusal[:2], bad[:9])

    def test_a_body_over_the_limit_is_refused_before_it_is_read(self) -> None:
        answer = self.call("POST", "/v1/users", b"x" * 2_097_153)
        self.assertEqual((413, "too_large", ""), answer.refusal)
        self.assertEqual(0, self.site.held_bodies.total)

    def test_web_pages_of_known_origins_only_may_call(self) -> None:
        answer = self.call("GET", "/v1/health", Origin=ORIGIN)
        self.assertEqual(ORIGIN, answer.headers["access-control-allow-origin"])
        preflight = self.call("OPTIONS", "/v1/push", key="", Origin=ORIGIN)
        self.assertEqual((204, "POST"), (preflight.status, preflight.headers["access-control-allow-methods"]))
        other = self.call("GET", "/v1/health", Origin="https://evil.example")
        self.assertNotIn("access-control-allow-origin", other.headers)

    def test_too_many_requests_are_told_when_to_come_back(self) -> None:
        for _ in range(self.limits.api_requests_burst):
            self.api._parts.rates.take("address 10.0.0.1", 0.0)
        answer = self.call("GET", "/v1/health", key="")
        self.assertEqual((429, "rate_limited", ""), answer.refusal)
        self.assertEqual("1", answer.headers["retry-after"])
        self.clock.advance(1)
        self.assertEqual(200, self.call("GET", "/v1/health", key="").status)

    def test_answers_are_counted_by_route_and_status(self) -> None:
        self.call("GET", "/v1/users/bob")
        self.call("GET", "/v1/nothing")
        self.assertEqual({"GET /v1/users/{user},404": 1, "unknown,404": 1}, dict(self.api.answers))


class OperatorTests(ApiCase):
    def setUp(self) -> None:
        super().setUp()
        self.serve_operators()
        self.key = self.tokens.mint("root", 60, ("admin",))

    def test_operators_make_list_and_revoke_keys(self) -> None:
        made = self.call("POST", "/v1/keys", {"name": "shop", "scopes": ["push"]}).body
        self.assertTrue(made["key"].startswith("imk_"))
        listed = self.call("GET", "/v1/keys").body["keys"]
        self.assertEqual({"id": made["id"], "key": ""}, {name: listed[-1][name] for name in ("id", "key")})
        self.assertNotEqual(0, self.call("DELETE", f"/v1/keys/{made['id']}").body["revoked_ms"])
        self.assertEqual((404, "not_found", "id"), self.call("DELETE", "/v1/keys/none").refusal)
        bad = self.call("POST", "/v1/keys", {"name": "shop", "scopes": ["all"]})
        self.assertEqual((400, "invalid_argument", "scopes"), bad.refusal)

    def test_nobody_else_does(self) -> None:
        for key in (self.make_key("push"), self.tokens.mint("alice", 60)):
            self.assertIn(self.call("GET", "/v1/keys", key=key).status, (401, 403))

    def test_operators_push(self) -> None:
        self.know("alice")
        answer = self.call("POST", "/v1/push", {"to": ["alice"], "event": 1})
        self.assertEqual(1, answer.body["stored"])
