import base64

from im.core.messages import Pull, PullPage
from im.proto.base_pb2 import BaseMessage
from im.proto.push_pb2 import Event, Push
from im.test.http.api.world import Answer, ApiCase

EVENT = {"order": 7, "paid": True}


class DurableTests(ApiCase):
    def push(self, **fields: object) -> Answer:
        return self.call("POST", "/v1/push", {"event": EVENT, **fields})

    def inbox(self, user: str) -> list[Push]:
        page = self.successResultOf(self.store.read(Pull(f"i~{user}", user, 0, False, 0)))
        assert isinstance(page, PullPage), page
        return [Push.FromString(entry.content) for entry in page.entries if entry.kind]

    def test_a_push_is_stored_for_all_that_are_known_and_delivered_to_who_is_online(self) -> None:
        self.know("bob")
        self.come("alice")
        answer = self.push(to=["alice", "bob", "nobody", "alice"])
        self.assertEqual((200, 2, ["nobody"]), (answer.status, answer.body["stored"], answer.body["unknown"]))
        (batch,) = self.told
        self.assertEqual([("alice",)], [delivery.users for delivery in batch.deliveries])
        for user in ("alice", "bob"):
            (push,) = self.inbox(user)
            self.assertEqual(30, push.type)
            self.assertEqual(b'{"order":7,"paid":true}', Event.FromString(push.body).json)

    def test_many_users_are_reached_in_pages(self) -> None:
        users = [f"u{number}" for number in range(200)]
        self.know(*users)
        answer = self.push(to=users)
        self.assertEqual(200, answer.body["stored"])

    def test_everyone_online_is_reached(self) -> None:
        self.know("bob")
        self.come("alice")
        answer = self.push(everyone=True)
        self.assertEqual(1, answer.body["stored"])

    def test_waiting_tells_what_happened_at_each_device(self) -> None:
        self.know("bob")
        self.come("alice")
        self.come("alice", "laptop", "desktop")
        body = {"event": EVENT, "to": ["alice"], "wait": "delivered"}
        socket = self.start("POST", "/v1/push", body)
        self.assertEqual(b"", socket.take())
        self.clock.advance(2)
        self.acknowledge("alice", 1)
        answer = self.answer(socket)
        (user,) = answer.body["users"]
        self.assertEqual(
            [("laptop", "pending", 0), ("phone", "delivered", self.now_ms())],
            [(each["device"], each["state"], each["acknowledged_ms"]) for each in user["devices"]],
        )

    def test_waiting_ends_with_its_time(self) -> None:
        self.come("alice")
        self.know("bob")
        self.come("bob")
        body = {"event": EVENT, "to": ["alice", "bob"], "wait": "delivered", "wait_seconds": 3}
        socket = self.start("POST", "/v1/push", body)
        self.acknowledge("alice", 1)
        self.clock.advance(3)
        states = {user["user"]: user["devices"][0]["state"] for user in self.answer(socket).body["users"]}
        self.assertEqual({"alice": "delivered", "bob": "pending"}, states)

    def test_what_became_of_a_push_is_told_later(self) -> None:
        self.come("alice")
        push = self.push(to=["alice"], ttl_seconds=60, device_classes=["phone"]).body["id"]
        self.successResultOf(self.registry.unregister(self.successResultOf(self.registry.sessions(None))[0]))
        told = self.call("GET", f"/v1/push/{push}").body
        self.assertEqual("offline", told["users"][0]["devices"][0]["state"])
        self.clock.advance(60)
        told = self.call("GET", f"/v1/push/{push}").body
        self.assertEqual("expired", told["users"][0]["devices"][0]["state"])
        for unknown in ("00" * 16, "none"):
            self.assertEqual((404, "not_found", "id"), self.call("GET", f"/v1/push/{unknown}").refusal)

    def test_a_repetition_under_one_key_gets_the_first_answer(self) -> None:
        self.know("alice")
        body = {"event": EVENT, "to": ["alice"]}
        first = self.call("POST", "/v1/push", body, Idempotency_Key="order 7")
        again = self.call("POST", "/v1/push", body, Idempotency_Key="order 7")
        self.assertEqual((first.body, "true"), (again.body, again.headers["idempotent-replayed"]))
        self.assertEqual(1, len(self.inbox("alice")))
        other = self.call("POST", "/v1/push", {**body, "event": 1}, Idempotency_Key="order 7")
        self.assertEqual((409, "conflict", "Idempotency-Key"), other.refusal)
        bad = self.call("POST", "/v1/push", body, Idempotency_Key="k" * 129)
        self.assertEqual((400, "invalid_argument", "Idempotency-Key"), bad.refusal)

    def test_only_the_newest_of_a_collapse_key_is_shown(self) -> None:
        self.know("alice")
        for number in (1, 2, 3):
            self.push(to=["alice"], event=number, collapse_key="balance")
        (shown,) = self.inbox("alice")
        self.assertEqual(b"3", Event.FromString(shown.body).json)

    def test_a_body_over_the_limit_is_too_large(self) -> None:
        answer = self.push(to=["alice"], event="x" * self.limits.content_bytes)
        self.assertEqual((413, "too_large", "body"), answer.refusal)

    def test_bad_pushes_name_the_field(self) -> None:
        for field, fields in (
            ("to", {}),
            ("to", {"to": ["alice"], "everyone": True}),
            ("event", {"to": ["alice"], "type": 10_001}),
            ("ttl_seconds", {"to": ["alice"], "ttl_seconds": 0}),
            ("ttl_seconds", {"to": ["alice"], "ttl_seconds": -5}),
            ("ttl_seconds", {"to": ["alice"], "signal": True, "ttl_seconds": 5}),
            ("wait", {"to": ["alice"], "signal": True, "wait": "delivered"}),
            ("wait", {"to": ["alice"], "wait": "read"}),
            ("collapse_key", {"to": ["alice"], "collapse_key": "a\nb"}),
            ("device_classes[0]", {"to": ["alice"], "device_classes": ["fridge"]}),
            ("body", {"to": ["alice"], "body": "aGk="}),
        ):
            self.assertEqual((400, "invalid_argument", field), self.push(**fields).refusal, fields)

    def test_a_key_without_the_scope_may_not_push(self) -> None:
        key = self.make_key("users:read")
        answer = self.call("POST", "/v1/push", {"event": 1, "to": ["alice"]}, key)
        self.assertEqual((403, "permission_denied", ""), answer.refusal)
        answer = self.call("POST", "/v1/push", {"event": 1, "to": ["alice"]}, self.tokens.mint("alice", 60))
        self.assertEqual((403, "permission_denied", ""), answer.refusal)


class SignalTests(ApiCase):
    def test_a_signal_goes_to_who_is_online(self) -> None:
        self.know("bob")
        self.come("alice")
        body = {
            "to": ["alice", "bob", "nobody"],
            "signal": True,
            "type": 10_001,
            "body": base64.b64encode(b"own").decode(),
            "device_classes": ["phone"],
        }
        answer = self.call("POST", "/v1/push", body).body
        self.assertEqual((1, 1, ["nobody"]), (answer["online"], answer["offline"], answer["unknown"]))
        (batch,) = self.told
        (signal,) = batch.signals
        self.assertEqual((("alice",), frozenset({"phone"})), (signal.users, signal.device_classes))
        envelope = BaseMessage.FromString(signal.frame)
        self.assertEqual((10_001, b"own"), (envelope.type, envelope.body))

    def test_a_type_that_no_client_may_get_is_refused(self) -> None:
        for number in (0, 6, 30, 9_999):
            answer = self.call("POST", "/v1/push", {"to": ["alice"], "signal": True, "type": number})
            self.assertEqual((400, "invalid_argument", "type"), answer.refusal)
        bad = {"to": ["alice"], "signal": True, "type": 10_001, "body": "?"}
        self.assertEqual((400, "invalid_argument", "body"), self.call("POST", "/v1/push", bad).refusal)
