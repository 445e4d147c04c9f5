import base64
from typing import Any

from im.core.entries import CUSTOM, IMAGE, RICH, TEXT
from im.core.limits import Limits
from im.core.relations import Block
from im.proto.chat_pb2 import Cursor, Deliver
from im.test.http.api.world import ApiCase
from im.wire.codec import unpack, unpack_body

DIRECT = "d~alice~bob"
DENIED = (403, "permission_denied", "")
UNKNOWN = (404, "not_found", "conversation")
IMAGE_BODY = {"url": "https://shop.example/7.png", "size": 9, "media_type": "image/png", "checksum": "AQI="}


class MessageCase(ApiCase):
    limits = Limits(content_bytes=200)

    def setUp(self) -> None:
        super().setUp()
        self.know("alice", "bob", "carol")

    def send(self, user: str = "alice", **body: Any) -> Any:
        body = body if "conversation" in body or "to" in body else {"conversation": DIRECT, **body}
        return self.ok("POST", f"/v1/messages?as={user}", body)

    def history(self, user: str = "bob", conversation: str = DIRECT, **query: Any) -> Any:
        parts = "".join(f"&{name.rstrip('_')}={value}" for name, value in query.items())
        return self.ok("GET", f"/v1/conversations/{conversation}/messages?as={user}{parts}")

    def on(self, seq: int, what: str = "") -> str:
        return f"/v1/conversations/{DIRECT}/messages/{seq}{what}"

    def make_group(self) -> str:
        made = self.ok("POST", "/v1/groups?as=alice", {"members": ["bob"]})
        return str(made["conversation"])


class SendingTests(MessageCase):
    def test_a_user_s_message_reaches_all_devices_of_both(self) -> None:
        for user in ("alice", "bob"):
            self.come(user)
        sent = self.send(to="bob", text="hi")
        self.assertEqual((DIRECT, 1), (sent["conversation"], sent["seq"]))
        (delivery,) = self.told[-1].deliveries
        self.assertEqual({"alice", "bob"}, {*delivery.users})
        body = unpack_body(unpack(delivery.frame))
        assert isinstance(body, Deliver)
        self.assertEqual(("alice", b"hi"), (body.entry.sender, body.entry.content))
        self.assertEqual(sent["client_msg_id"], body.entry.client_msg_id.hex())

    def test_under_one_key_a_message_is_stored_once(self) -> None:
        path, body = "/v1/messages?as=alice", {"to": "bob", "text": "hi"}
        first, again = (self.call("POST", path, body, Idempotency_Key="one") for _ in range(2))
        self.assertEqual((first.body, "true"), (again.body, again.headers["idempotent-replayed"]))
        self.assertEqual(1, self.history()["head_seq"])
        other = self.call("POST", "/v1/messages?as=bob", body, Idempotency_Key="one")
        self.assertEqual((409, "conflict", "Idempotency-Key"), other.refusal)

    def test_every_content_is_shown_as_it_was_sent(self) -> None:
        contents: tuple[tuple[int, dict[str, Any]], ...] = (
            (TEXT, {"text": "hi"}),
            (IMAGE, {"image": {**IMAGE_BODY, "name": "", "width": 1, "height": 2, "seconds": 0.0}}),
            (5, {"location": {"latitude": 1.5, "longitude": -2.5, "name": "n", "address": ""}}),
            (6, {"card": {"title": "t", "url": "im:user/bob", "text": "", "image": ""}}),
            (CUSTOM, {"content": base64.b64encode(b"\xff\0").decode()}),
            (40, {"content": "AQ==", "kind": 40}),
            (RICH, {"text": "yes", "reply_to": 1, "mentions": ["bob"]}),
        )
        for number, (kind, content) in enumerate(contents, 1):
            self.assertEqual(number, self.send(**content)["seq"])
            entry = self.history()["entries"][-1]
            shown = {name: entry[name] for name in content if name != "kind"}
            expected = {name: value for name, value in content.items() if name != "kind"}
            self.assertEqual((kind, expected), (entry["kind"], shown))

    def test_what_can_be_no_message_is_refused(self) -> None:
        for body, field in (
            ({"text": "hi", "content": "AQ=="}, "text"),
            ({}, "text"),
            ({"text": ""}, "content"),
            ({"text": "\u0000"}, "content"),
            ({"text": "x" * 201}, "content"),
            ({"text": "x", "kind": 40}, "kind"),
            ({"content": "AQ", "kind": 40}, "content"),
            ({"content": "AQ==", "kind": 9}, "kind"),
            ({"content": "/w==", "kind": TEXT}, "content"),
            ({"content": "/w==", "kind": IMAGE}, "content"),
            ({"image": {**IMAGE_BODY, "url": "ftp://x"}}, "url"),
            ({"image": {**IMAGE_BODY, "checksum": "x"}}, "checksum"),
            ({"voice": IMAGE_BODY}, "seconds"),
            ({"location": {"latitude": 91, "longitude": 0}}, "location.latitude"),
            ({"text": "x", "mentions": ["a b"]}, "mentions"),
        ):
            refused = self.refusal("POST", "/v1/messages?as=alice", {"to": "bob", **body})
            self.assertEqual((400, "invalid_argument", field), refused, body)

    def test_a_message_needs_a_place_that_is_the_sender_s(self) -> None:
        for place, expected in (
            ({}, (400, "invalid_argument", "conversation")),
            ({"conversation": DIRECT, "to": "bob"}, (400, "invalid_argument", "conversation")),
            ({"to": "alice"}, (400, "invalid_argument", "to")),
            ({"to": "a b"}, (400, "invalid_argument", "to")),
            ({"to": "nobody"}, UNKNOWN),
            ({"conversation": "d~bob~carol"}, UNKNOWN),
            ({"conversation": "g~none"}, UNKNOWN),
            ({"conversation": "i~alice"}, (403, "permission_denied", "conversation")),
            ({"conversation": "x"}, (400, "invalid_argument", "conversation")),
        ):
            refused = self.refusal("POST", "/v1/messages?as=alice", {"text": "x", **place})
            self.assertEqual(expected, refused, place)

    def test_who_is_blocked_sends_nothing(self) -> None:
        self.successResultOf(self.store.write([Block("bob", "alice", True)]))
        refused = self.refusal("POST", "/v1/messages?as=alice", {"to": "bob", "text": "x"})
        self.assertEqual((403, "blocked", "conversation"), refused)
        self.send("", text="from the app")

    def test_who_was_removed_from_a_group_sends_nothing(self) -> None:
        group = self.make_group()
        self.send("bob", conversation=group, text="hi")
        self.ok("POST", f"/v1/groups/{group}/remove?as=alice", {"users": ["bob"]})
        body = {"conversation": group, "text": "x"}
        refused = self.refusal("POST", "/v1/messages?as=bob", body)
        self.assertEqual((403, "permission_denied", "conversation"), refused)
        self.assertEqual(UNKNOWN, self.refusal("POST", "/v1/messages?as=carol", body))

    def test_only_admins_mention_everyone(self) -> None:
        group = self.make_group()
        body = {"conversation": group, "text": "all", "mentions_everyone": True}
        refused = self.refusal("POST", "/v1/messages?as=bob", body)
        self.assertEqual((403, "permission_denied", "mentions_everyone"), refused)
        for user in ("alice", ""):
            self.ok("POST", f"/v1/messages?as={user}", body)
        (contact,) = self.ok("GET", "/v1/users/bob/contacts")["contacts"]
        self.assertEqual(2, contact["group"]["mentions"])


class AppTests(MessageCase):
    def test_the_app_writes_to_a_user_s_inbox_and_into_any_conversation(self) -> None:
        self.come("bob")
        self.assertEqual("i~bob", self.send("", to="bob", text="hi")["conversation"])
        self.assertEqual(("bob",), self.told[-1].deliveries[0].users)
        self.send("", text="closed")
        self.assertEqual({"alice", "bob"}, {*self.told[-1].deliveries[0].users})
        self.assertEqual(
            ["", ""], [self.history("bob", name)["entries"][0]["sender"] for name in (DIRECT, "i~bob")]
        )
        self.assertEqual(2, self.ok("GET", "/v1/users/bob/contacts")["unread"])

    def test_the_app_s_message_needs_a_place_too(self) -> None:
        for place, expected in (
            ({"to": "a b"}, (400, "invalid_argument", "to")),
            ({"to": "nobody"}, UNKNOWN),
            ({"conversation": "g~none"}, UNKNOWN),
            ({"conversation": "d~bob~alice"}, (400, "invalid_argument", "conversation")),
            ({"conversation": "i~"}, (400, "invalid_argument", "conversation")),
        ):
            self.assertEqual(expected, self.refusal("POST", "/v1/messages", {"text": "x", **place}), place)

    def test_the_app_takes_any_message_back(self) -> None:
        self.send(text="spam")
        self.ok("POST", self.on(1, "/recall"))
        self.assertEqual(
            (9, True), (self.history()["entries"][0]["kind"], "text" not in self.history()["entries"][0])
        )

    def test_the_app_has_no_history_and_no_cursor(self) -> None:
        self.send(text="hi")
        for method, path, body in (
            ("GET", f"/v1/conversations/{DIRECT}/messages", None),
            ("GET", self.on(1, "/readers"), None),
            ("POST", f"/v1/conversations/{DIRECT}/read", {"seq": 1}),
            ("POST", f"/v1/conversations/{DIRECT}/delete", {"seqs": [1]}),
            ("POST", f"/v1/conversations/{DIRECT}/clear", {"seq": 1}),
        ):
            self.assertEqual((400, "invalid_argument", "as"), self.refusal(method, path, body), path)


class HistoryTests(MessageCase):
    def seqs(self, **query: Any) -> tuple[list[int], bool]:
        page = self.history(**query)
        return [each["seq"] for each in page["entries"]], page["more"]

    def test_history_comes_page_by_page_in_both_directions(self) -> None:
        for number in range(5):
            self.send(text=str(number))
        self.assertEqual(([1, 2], True), self.seqs(limit=2))
        self.assertEqual(([3, 4, 5], False), self.seqs(from_=3))
        self.assertEqual(([4, 5], True), self.seqs(backward="true", limit=2))
        self.assertEqual(([1, 2, 3], False), self.seqs(backward="true", from_=3))
        self.assertEqual(([], False), self.seqs(from_=9))
        for bad, field in (("from=-1", "from"), (f"from={2**63}", "from"), ("limit=0", "limit")):
            refused = self.refusal("GET", f"/v1/conversations/{DIRECT}/messages?as=bob&{bad}")
            self.assertEqual((400, "invalid_argument", field), refused)

    def test_a_stranger_sees_nothing(self) -> None:
        self.send(text="secret")
        group = self.make_group()
        for conversation in (DIRECT, group, "g~none", "i~bob"):
            path = f"/v1/conversations/{conversation}/messages?as=carol"
            self.assertEqual(UNKNOWN, self.refusal("GET", path))
        refused = self.refusal("GET", "/v1/conversations/x/messages?as=carol")
        self.assertEqual((400, "invalid_argument", "conversation"), refused)

    def test_who_was_removed_sees_what_was_theirs(self) -> None:
        group = self.make_group()
        self.send(conversation=group, text="before")
        self.ok("POST", f"/v1/groups/{group}/remove?as=alice", {"users": ["bob"]})
        self.send(conversation=group, text="after")
        page = self.history("bob", group)
        self.assertEqual(([1, 2, 3], False), ([each["seq"] for each in page["entries"]], page["active"]))
        self.assertEqual(["bob"], page["entries"][-1]["event"]["users"])


class ChangingTests(MessageCase):
    def test_what_became_of_a_message_is_shown_with_it(self) -> None:
        self.send(text="hi")
        self.ok("PATCH", f"{self.on(1)}?as=alice", {"text": "hello"})
        self.ok("POST", f"{self.on(1, '/reactions')}?as=bob", {"reaction": "👍"})
        entries = self.history()["entries"]
        self.assertEqual(("hello", 2), (entries[0]["text"], entries[0]["edited_seq"]))
        self.assertEqual([{"reaction": "👍", "users": 1, "is_own": True}], entries[0]["reactions"])
        self.assertEqual((1, "👍"), (entries[2]["event"]["target"], entries[2]["event"]["reaction"]))
        self.assertEqual(base64.b64encode(b"hello").decode(), entries[1]["event"]["content"])
        self.ok("POST", f"{self.on(1, '/reactions')}?as=bob", {"reaction": "👍", "is_set": False})
        self.ok("POST", f"{self.on(1, '/recall')}?as=alice")
        self.assertEqual(
            {"seq", "kind", "sender", "time_ms", "client_msg_id"}, {*self.history()["entries"][0]}
        )

    def test_the_same_again_changes_nothing(self) -> None:
        self.send(text="hi")
        for method, what, body in (
            ("PATCH", "", {"text": "hello"}),
            ("POST", "/reactions", {"reaction": "👍"}),
            ("POST", "/recall", None),
        ):
            path = f"{self.on(1, what)}?as=alice"
            first, again = (self.call(method, path, body, Idempotency_Key=what or "edit") for _ in range(2))
            self.assertEqual((first.body, "true"), (again.body, again.headers["idempotent-replayed"]))
            self.assertEqual(0, self.ok(method, path, body)["seq"])

    def test_others_change_nothing(self) -> None:
        self.send(text="hi")
        target = (403, "permission_denied", "target")
        self.assertEqual(target, self.refusal("POST", f"{self.on(1, '/recall')}?as=bob"))
        self.assertEqual(target, self.refusal("PATCH", f"{self.on(1)}?as=bob", {"text": "x"}))
        self.assertEqual(UNKNOWN, self.refusal("POST", f"{self.on(1, '/recall')}?as=carol"))
        self.assertEqual(
            (404, "not_found", "target"), self.refusal("POST", f"{self.on(2, '/recall')}?as=bob")
        )
        for seq in ("x", "-1", "%D9%A3", "1" * 30, str(2**63)):
            path = f"/v1/conversations/{DIRECT}/messages/{seq}/recall"
            self.assertEqual((400, "invalid_argument"), self.refusal("POST", path)[:2], seq)
        self.clock.advance(self.limits.recall_seconds + 1)
        self.assertEqual(target, self.refusal("POST", f"{self.on(1, '/recall')}?as=alice"))

    def test_an_edit_is_of_the_kind_of_its_message(self) -> None:
        card = {"title": "t", "url": "im:shop", "text": "", "image": ""}
        for content in ({"text": "hi"}, {"card": card}, {"content": "AQ=="}):
            self.send(**content)
        edits: tuple[dict[str, Any], ...] = (
            {"text": "ho"},
            {"card": {**card, "text": "new"}},
            {"content": "Ag=="},
        )
        for seq, edit in enumerate(edits, 1):
            self.ok("PATCH", f"{self.on(seq)}?as=alice", edit)
            self.assertEqual(edit, {name: self.history()["entries"][seq - 1][name] for name in edit})
        for seq, edit in ((1, edits[1]), (2, edits[0]), (2, edits[2]), (3, {}), (1, {"text": ""})):
            status, code, _ = self.refusal("PATCH", f"{self.on(seq)}?as=alice", edit)
            self.assertEqual((400, "invalid_argument"), (status, code), edit)

    def test_a_reaction_is_one(self) -> None:
        self.send(text="hi")
        refused = self.refusal("POST", f"{self.on(1, '/reactions')}?as=bob", {"reaction": "a b"})
        self.assertEqual((400, "invalid_argument", "reaction"), refused)


class PlaceTests(MessageCase):
    def setUp(self) -> None:
        super().setUp()
        for text in ("one", "two", "three"):
            self.send(text=text)

    def place(self, what: str, body: Any, user: str = "bob") -> Any:
        return self.ok("POST", f"/v1/conversations/{DIRECT}/{what}?as={user}", body)

    def test_a_cursor_moves_forward_up_to_the_head_and_devices_are_told(self) -> None:
        self.come("bob")
        self.assertEqual(
            (2, 1), tuple(self.place("read", {"seq": 2})[name] for name in ("read_seq", "unread"))
        )
        bodies = [unpack_body(unpack(signal.frame)) for signal in self.told[-1].signals]
        self.assertEqual([2], [body.read_seq for body in bodies if isinstance(body, Cursor)][:1])
        self.assertEqual(2, self.place("read", {"seq": 1})["read_seq"])
        self.assertEqual(
            (3, 0), tuple(self.place("read", {"seq": 9})[name] for name in ("read_seq", "unread"))
        )

    def test_readers_are_told(self) -> None:
        self.place("read", {"seq": 2})
        path = f"{self.on(2, '/readers')}?as=alice"
        found = self.ok("GET", path)
        self.assertEqual((1, 1, ["bob"]), (found["count"], found["members"], found["users"]))
        self.assertEqual(0, self.ok("GET", f"{self.on(3, '/readers')}?as=alice")["count"])
        for user, seq in (("carol", 2), ("alice", 9)):
            self.assertEqual(UNKNOWN, self.refusal("GET", f"{self.on(seq, '/readers')}?as={user}"))

    def test_one_deletes_and_clears_for_oneself(self) -> None:
        self.assertEqual(
            (1, 2), tuple(self.place("delete", {"seqs": [2]})[name] for name in ("visible_from", "unread"))
        )
        self.assertEqual([1, 0, 1], [each["kind"] for each in self.history()["entries"]])
        self.assertEqual(
            (3, 1), tuple(self.place("clear", {"seq": 2})[name] for name in ("visible_from", "unread"))
        )
        self.assertEqual(3, len(self.history("alice")["entries"]))
        for what, body in (("read", {"seq": 1}), ("delete", {"seqs": [1]}), ("clear", {"seq": 1})):
            path = f"/v1/conversations/{DIRECT}/{what}?as=carol"
            self.assertEqual(UNKNOWN, self.refusal("POST", path, body))
        for number in (0, 101):
            path, many = f"/v1/conversations/{DIRECT}/delete?as=bob", {"seqs": [1] * number}
            self.assertEqual((400, "invalid_argument", "seqs"), self.refusal("POST", path, many))


class CallerTests(MessageCase):
    def test_users_do_all_of_it_by_their_own_token_in_their_own_name_only(self) -> None:
        alice, bob, carol = self.own("alice"), self.own("bob"), self.own("carol")
        history = f"/v1/conversations/{DIRECT}/messages"
        self.ok("POST", "/v1/messages", {"to": "bob", "text": "hi"}, alice)
        self.assertEqual("alice", self.ok("GET", history, key=bob)["entries"][0]["sender"])
        self.ok("POST", f"/v1/conversations/{DIRECT}/read", {"seq": 1}, bob)
        self.ok("GET", self.on(1, "/readers"), key=alice)
        self.ok("POST", self.on(1, "/recall"), key=alice)
        for user, key in (("bob", alice), ("alice", carol)):
            self.assertEqual(DENIED, self.refusal("GET", f"{history}?as={user}", key=key))
            self.assertEqual(
                DENIED, self.refusal("POST", f"/v1/messages?as={user}", {"to": "carol", "text": "x"}, key)
            )
        self.assertEqual(UNKNOWN, self.refusal("GET", history, key=carol))

    def test_a_key_needs_the_scope(self) -> None:
        self.send(text="hi")
        history = f"/v1/conversations/{DIRECT}/messages?as=bob"
        read, write = self.make_key("messages:read"), self.make_key("messages:write")
        self.ok("GET", history, key=read)
        self.assertEqual(DENIED, self.refusal("GET", history, key=write))
        body = {"conversation": DIRECT, "text": "x"}
        self.ok("POST", "/v1/messages", body, write)
        self.assertEqual(DENIED, self.refusal("POST", "/v1/messages", body, read))
