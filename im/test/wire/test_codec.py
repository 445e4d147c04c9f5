"""Envelopes: what is packed is unpacked; what is no envelope is refused and nothing else happens."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from im.proto import chat_pb2, session_pb2
from im.proto.base_pb2 import BaseMessage
from im.wire.codec import UndecodableError, pack, pack_raw, unpack, unpack_body
from im.wire.types import CHAT, FIRST_CUSTOM_TYPE

CHECKED = settings(derandomize=True, deadline=None, max_examples=200)


class CodecTest(SynchronousTestCase):
    def test_a_body_comes_back_with_its_type_and_id(self) -> None:
        body = chat_pb2.Chat(conversation="d~alice~bob", kind=1, content=b"hello")
        envelope = unpack(pack(body, 2**64 - 1))
        self.assertEqual((envelope.type, envelope.id), (CHAT, 2**64 - 1))
        self.assertEqual(unpack_body(envelope), body)

    def test_an_id_of_zero_is_the_default(self) -> None:
        self.assertEqual(unpack(pack(session_pb2.Logout())).id, 0)

    def test_a_raw_body_travels_unopened(self) -> None:
        envelope = unpack(pack_raw(FIRST_CUSTOM_TYPE, b"\xff\x00 no protobuf", 3))
        self.assertEqual(
            (envelope.type, envelope.id, envelope.body), (FIRST_CUSTOM_TYPE, 3, b"\xff\x00 no protobuf")
        )

    def test_unknown_fields_are_no_error(self) -> None:
        payload = pack(session_pb2.Heartbeat()) + b"\xa2\x06\x03new"
        self.assertEqual(unpack_body(unpack(payload)), session_pb2.Heartbeat())

    def test_garbage_is_undecodable(self) -> None:
        for payload in (b"\xff", b"\x1a\x05abc", b"\x08", b"GET / HTTP/1.1\r\n"):
            self.assertRaises(UndecodableError, unpack, payload)

    def test_a_body_that_is_not_of_its_type_is_undecodable(self) -> None:
        error = self.assertRaises(UndecodableError, unpack_body, BaseMessage(type=CHAT, body=b"\xff"))
        self.assertIn("Chat", str(error))

    def test_a_string_that_is_no_utf_8_is_undecodable(self) -> None:
        self.assertRaises(UndecodableError, unpack_body, BaseMessage(type=CHAT, body=b"\x0a\x01\xff"))

    def test_a_body_of_an_unknown_type_is_undecodable(self) -> None:
        error = self.assertRaises(UndecodableError, unpack_body, BaseMessage(type=9_999))
        self.assertIn("9999", str(error))

    @CHECKED
    @given(st.binary(max_size=200))
    def test_any_bytes_are_an_envelope_or_undecodable(self, payload: bytes) -> None:
        try:
            envelope = unpack(payload)
            unpack_body(envelope)
        except UndecodableError:
            return
        self.assertEqual(unpack(envelope.SerializeToString()), envelope)
