"""A push is refused when it is written, not when it is posted."""

import base64
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from im.core import pushing
from im.http.site import MAX_BODY_BYTES
from im.outbox.request import CONTENT_BYTES, REQUEST_BYTES, UNSET, InvalidPushError, Wanted, checked, posted
from im.test.http.api.world import ApiCase
from im.wire import types

WANTED = Wanted("alice", {"order": 7}, None, b"", None, "", ())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
TYPES = st.one_of(st.none(), st.sampled_from([-1, 0, 30, 9_999, 10_000, 2**32 - 1, 2**32]))
PUSHES = st.builds(
    Wanted,
    users=st.lists(st.sampled_from(["alice", "bob", "ü", "x" * 64]), max_size=3),
    event=JSON | st.just(UNSET),
    type=TYPES,
    body=st.binary(max_size=5),
    ttl_seconds=st.none() | st.sampled_from([0, 1, 60, 2_592_000, 2_592_001]),
    collapse_key=st.sampled_from(["", "order 7", "k" * 64, "k" * 65, "a\nb", "ü"]),
    device_classes=st.lists(st.sampled_from(["phone", "web", "fridge"]), max_size=2),
)


def body_of(wanted: Wanted) -> bytes:
    """What is posted. Raises `InvalidPushError`."""
    request = checked(wanted)
    return posted(request.users, request.rest, request.ttl_seconds)


def unchecked(wanted: Wanted) -> dict[str, Any]:
    """What somebody would post who does not check."""
    fields: dict[str, Any] = {"to": wanted.users, "collapse_key": wanted.collapse_key}
    fields["device_classes"] = wanted.device_classes
    if wanted.event is not UNSET:
        fields["event"] = wanted.event
    if wanted.type is not None:
        fields["type"] = wanted.type
    if wanted.ttl_seconds is not None:
        fields["ttl_seconds"] = wanted.ttl_seconds
    return {**fields, "body": base64.b64encode(wanted.body).decode()}


class AgreementTests(ApiCase):
    """What the writer takes `POST /v1/push` takes, and what it refuses is refused there."""

    @settings(derandomize=True, deadline=None, max_examples=300)
    @given(PUSHES)
    def test_both_take_and_refuse_the_same(self, wanted: Wanted) -> None:
        try:
            body = body_of(wanted)
        except InvalidPushError:
            answer = self.call("POST", "/v1/push", unchecked(wanted))
            self.assertEqual(answer.status, 400)
        else:
            answer = self.call("POST", "/v1/push", body)
            self.assertEqual((answer.status, answer.body["stored"]), (200, 0), body)
            self.assertEqual(answer.body["unknown"], list(dict.fromkeys(wanted.users)))

    def test_both_draw_the_line_at_the_same_byte(self) -> None:
        for wanted in (
            WANTED._replace(event=UNSET, type=10_000, collapse_key="ü", device_classes=["phone", "web"]),
            WANTED,
        ):
            most = self.largest(wanted)
            for size, status in ((most, 200), (most + 1, 413)):
                answer = self.call("POST", "/v1/push", unchecked(filled(wanted, size)) | {"to": ["alice"]})
                self.assertEqual(answer.status, status, (wanted, size))

    def largest(self, wanted: Wanted) -> int:
        """How long a body the writer takes."""
        for size in range(CONTENT_BYTES, 0, -1):
            try:
                checked(filled(wanted, size))
            except InvalidPushError as error:
                self.assertEqual(error.field, "body")
            else:
                return size
        raise AssertionError


def filled(wanted: Wanted, size: int) -> Wanted:
    return wanted._replace(event="x" * size) if wanted.type is None else wanted._replace(body=b"x" * size)


class CheckTests(SynchronousTestCase):
    def refused(self, **changed: Any) -> str:
        error = self.assertRaises(InvalidPushError, checked, WANTED._replace(**changed))
        self.assertIsInstance(error, ValueError)
        self.assertTrue(str(error).startswith(f"{error.field}: "), error)
        return str(error.field)

    def test_the_limits_are_those_of_the_node(self) -> None:
        self.assertEqual(pushing.FIRST_PUSHED_TYPE, types.FIRST_CUSTOM_TYPE)
        self.assertEqual(posted(b"[]", b"{}", 2_592_000).count(b"2592000"), 1)
        self.assertLess(REQUEST_BYTES + len(posted(b"", b"{}", 2_592_000)), MAX_BODY_BYTES)

    def test_an_error_names_what_is_wrong(self) -> None:
        self.assertEqual(self.refused(users=[]), "users")
        self.assertEqual(self.refused(users=["a b"]), "users")
        self.assertEqual(self.refused(users=["a~b"]), "users")
        self.assertEqual(self.refused(users=[7]), "users")
        self.assertEqual(self.refused(users=[f"u{number}" for number in range(10_001)]), "users")
        self.assertEqual(self.refused(event=UNSET), "event")
        self.assertEqual(self.refused(event={1, 2}), "event")
        self.assertEqual(self.refused(event=float("nan")), "event")
        self.assertEqual(self.refused(event="\ud800"), "event")
        self.assertEqual(self.refused(event=UNSET, type=True), "type")
        self.assertEqual(self.refused(event=UNSET, type=10_000, body="text"), "body")
        self.assertEqual(self.refused(ttl_seconds=True), "ttl_seconds")
        self.assertEqual(self.refused(ttl_seconds=0), "ttl_seconds")
        self.assertEqual(self.refused(collapse_key=7), "collapse_key")
        self.assertEqual(self.refused(device_classes=["fridge"]), "device_classes")

    def test_a_value_within_itself_is_no_event(self) -> None:
        ring: list[Any] = []
        ring.append(ring)
        self.assertEqual(self.refused(event=ring), "event")

    def test_names_that_fill_a_whole_request_are_refused(self) -> None:
        users = [f"{number:05}{'𠀀' * 59}" for number in range(10_000)]
        checked(WANTED._replace(users=users[:8_000]))
        self.assertEqual(self.refused(users=users), "users")

    def test_each_user_is_named_once_and_one_needs_no_list(self) -> None:
        self.assertEqual(json.loads(checked(WANTED).users), ["alice"])
        twice = checked(WANTED._replace(users=iter(["bob", "alice", "bob"])))
        self.assertEqual(json.loads(twice.users), ["bob", "alice"])

    def test_no_event_is_not_the_event_null(self) -> None:
        self.assertEqual(json.loads(checked(WANTED._replace(event=None)).rest), {"event": None})
