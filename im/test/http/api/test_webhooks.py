"""Webhooks over the API."""

import json
from typing import Any

from im.core.events import (
    OFFLINE,
    ONLINE,
    STORED,
    DeadEvent,
    EventsFound,
    FindEvents,
    LaneOutcome,
    SettleEvents,
)
from im.core.ledger import OpenSession
from im.core.webhooks import MOST_WEBHOOKS, ROTATION_MS
from im.test.http.api.world import ApiCase

URL = "https://shop.example/im"


class WebhookTests(ApiCase):
    def create(self, *kinds: str, **headers: str) -> dict[str, Any]:
        answer = self.call("POST", "/v1/webhooks", {"url": URL, "kinds": [*(kinds or (ONLINE,))]}, **headers)
        self.assertEqual(200, answer.status, answer.body)
        made: dict[str, Any] = answer.body
        return made

    def all(self) -> list[dict[str, Any]]:
        webhooks: list[dict[str, Any]] = self.call("GET", "/v1/webhooks").body["webhooks"]
        return webhooks

    def log_in(self, user: str) -> None:
        session = OpenSession(f"{user}'s", user, "phone", "phone", "n1", self.now_ms(), True, 30_000)
        self.successResultOf(self.store.write([session]))

    def give_up(self, webhook: str) -> None:
        """Take all that waits for dead letters."""
        found = self.successResultOf(self.store.read(FindEvents(webhook, self.now_ms(), 100)))
        assert isinstance(found, EventsFound)
        lanes = [
            LaneOutcome(lane.lane, (), tuple(DeadEvent(event.id, 15, "refused") for event in lane.events))
            for lane in found.lanes
        ]
        self.successResultOf(self.store.write([SettleEvents(webhook, tuple(lanes), ())]))

    def test_one_is_made_with_a_secret_that_is_told_once(self) -> None:
        made = self.create(STORED, ONLINE)
        self.assertEqual((URL, [ONLINE, STORED]), (made["url"], made["kinds"]))
        self.assertEqual("ims_", made.pop("secret")[:4])
        self.assertEqual([made | {"pending": 0, "dead": 0, "oldest_ms": 0}], self.all())

    def test_the_same_request_again_makes_no_other(self) -> None:
        first, again = (self.create(Idempotency_Key="k") for _ in range(2))
        self.assertEqual(first, again)
        self.assertEqual(1, len(self.all()))

    def test_what_waits_is_counted(self) -> None:
        made = self.create()
        self.log_in("alice")
        self.log_in("bob")
        (shown,) = self.all()
        self.assertEqual((2, 0, self.now_ms()), (shown["pending"], shown["dead"], shown["oldest_ms"]))
        self.give_up(made["id"])
        (shown,) = self.all()
        self.assertEqual((0, 2, 0), (shown["pending"], shown["dead"], shown["oldest_ms"]))

    def test_one_that_is_removed_is_gone(self) -> None:
        path = f"/v1/webhooks/{self.create()['id']}"
        self.assertEqual(200, self.call("DELETE", path).status)
        self.assertEqual([], self.all())
        for method, of in (("DELETE", ""), *(("POST", each) for each in ("/secret", "/test", "/replay"))):
            self.assertEqual((404, "not_found", "id"), self.call(method, path + of).refusal)
        self.assertEqual((404, "not_found", "id"), self.call("GET", f"{path}/dead").refusal)

    def test_after_a_rotation_both_secrets_sign_what_is_posted(self) -> None:
        made = self.create()
        rotated = self.call("POST", f"/v1/webhooks/{made['id']}/secret").body
        self.assertNotEqual(made.pop("secret"), rotated.pop("secret"))
        self.assertEqual(made | {"rotating_until_ms": self.now_ms() + ROTATION_MS}, rotated)
        self.call("POST", f"/v1/webhooks/{made['id']}/test")
        self.clock.advance(ROTATION_MS / 1_000)
        self.call("POST", f"/v1/webhooks/{made['id']}/test")
        signatures = [headers["Im-Signature"].split(",") for _, headers, _ in self.posted]
        self.assertEqual([2, 1], [len(each) for each in signatures])

    def test_a_test_is_posted_at_once_and_its_outcome_told(self) -> None:
        path = f"/v1/webhooks/{self.create()['id']}/test"
        self.assertEqual({"is_taken": True, "problem": ""}, self.call("POST", path).body)
        ((url, headers, body),) = self.posted
        event = json.loads(body)
        self.assertEqual((URL, "test", "", {}), (url, event["kind"], event["user"], event["data"]))
        self.assertEqual(event["id"], headers["Im-Event-Id"])
        self.assertTrue(headers["Im-Signature"].startswith("v1="))
        self.post_problem = "it answered with HTTP status 500"
        self.assertEqual({"is_taken": False, "problem": self.post_problem}, self.call("POST", path).body)

    def test_dead_letters_are_shown_in_pages_and_posted_again(self) -> None:
        path = f"/v1/webhooks/{self.create()['id']}"
        for user in ("alice", "bob", "carol"):
            self.log_in(user)
        self.give_up(path.rpartition("/")[2])
        page = self.call("GET", f"{path}/dead?limit=2").body
        self.assertEqual(["alice", "bob"], [each["user"] for each in page["letters"]])
        first = page["letters"][0]
        self.assertEqual(("online", 15, "refused"), (first["kind"], first["attempts"], first["problem"]))
        self.assertEqual("phone", first["data"]["device"])
        rest = self.call("GET", f"{path}/dead?after={page['next']}").body
        self.assertEqual((["carol"], ""), ([each["user"] for each in rest["letters"]], rest["next"]))
        self.assertEqual({"replayed": 3}, self.call("POST", f"{path}/replay").body)
        (shown,) = self.all()
        self.assertEqual((3, 0), (shown["pending"], shown["dead"]))

    def test_what_can_be_no_webhook_is_refused(self) -> None:
        good = {"url": URL, "kinds": [OFFLINE]}
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"url": "ftp://shop.example"}, "url"),
            ({"url": "https://user@shop.example"}, "url"),
            ({"url": "https://shop.example/\n"}, "url"),
            ({"kinds": []}, "kinds"),
            ({"kinds": ["everything"]}, "kinds[0]"),
            ({"secret": "mine"}, "body"),
        ]
        for changed, field in wrong:
            answer = self.call("POST", "/v1/webhooks", good | changed)
            self.assertEqual((400, "invalid_argument", field), answer.refusal, changed)
        dead = f"/v1/webhooks/{self.create()['id']}/dead?after=x"
        self.assertEqual((400, "invalid_argument", "after"), self.call("GET", dead).refusal)

    def test_there_are_only_so_many(self) -> None:
        for _ in range(MOST_WEBHOOKS):
            self.create()
        answer = self.call("POST", "/v1/webhooks", {"url": URL, "kinds": [ONLINE]})
        self.assertEqual("limit_exceeded", answer.refusal[1])

    def test_only_its_scope_opens_it(self) -> None:
        key = self.make_key("push")
        self.assertEqual(403, self.call("GET", "/v1/webhooks", key=key).status)
        token = self.tokens.mint("alice", 60)
        self.assertEqual(403, self.call("GET", "/v1/webhooks", key=token).status)
        self.assertEqual(200, self.call("GET", "/v1/webhooks", key=self.make_key("webhooks")).status)
