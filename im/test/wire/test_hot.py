"""The envelopes made by hand are those that protobuf makes."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from im.proto import chat_pb2, sync_pb2
from im.proto.base_pb2 import BaseMessage
from im.wire import hot
from im.wire.types import DELIVER, DELIVER_ACK, SEND_ACK

UINT32 = st.integers(min_value=0, max_value=2**32 - 1)
UINT64 = st.one_of(
    st.sampled_from([0, 1, 127, 128, 2**64 - 1]), st.integers(min_value=0, max_value=2**64 - 1)
)
TEXT = st.one_of(st.text(max_size=20), st.sampled_from(["x" * 127, "x" * 128, "é" * 9_000]))
DATA = st.one_of(st.binary(max_size=20), st.sampled_from([bytes(127), bytes(128), bytes(17_000)]))
CHECKED = settings(derandomize=True, deadline=None, max_examples=150)


def envelope(number: int, request_id: int, body: bytes) -> bytes:
    """What protobuf writes."""
    return BaseMessage(type=number, id=request_id, body=body).SerializeToString()


class HotTest(SynchronousTestCase):
    @CHECKED
    @given(UINT64, TEXT, UINT64, UINT64, TEXT)
    def test_a_send_ack_has_the_bytes_of_protobuf(
        self, request_id: int, conversation: str, seq: int, time_ms: int, epoch: str
    ) -> None:
        body = chat_pb2.SendAck(conversation=conversation, seq=seq, server_time_ms=time_ms, epoch=epoch)
        made = hot.send_ack(request_id, conversation, seq, time_ms, epoch)
        self.assertEqual(made, envelope(SEND_ACK, request_id, body.SerializeToString()))
        self.assertEqual(chat_pb2.SendAck.FromString(BaseMessage.FromString(made).body), body)

    @CHECKED
    @given(
        st.builds(
            sync_pb2.Entry,
            seq=UINT64,
            n=UINT64,
            kind=UINT32,
            sender=TEXT,
            client_msg_id=DATA,
            server_time_ms=UINT64,
            content=DATA,
        ),
        TEXT,
        TEXT,
    )
    def test_a_deliver_has_the_bytes_of_protobuf(
        self, entry: sync_pb2.Entry, conversation: str, epoch: str
    ) -> None:
        body = chat_pb2.Deliver(conversation=conversation, epoch=epoch, entry=entry)
        made = hot.deliver(
            conversation,
            epoch,
            entry.seq,
            entry.n,
            entry.kind,
            entry.sender,
            entry.client_msg_id,
            entry.server_time_ms,
            entry.content,
        )
        self.assertEqual(made, envelope(DELIVER, 0, body.SerializeToString()))
        self.assertEqual(chat_pb2.Deliver.FromString(BaseMessage.FromString(made).body), body)

    @CHECKED
    @given(TEXT, UINT64)
    def test_a_deliver_ack_has_the_bytes_of_protobuf(self, conversation: str, seq: int) -> None:
        body = chat_pb2.DeliverAck(conversation=conversation, seq=seq)
        made = hot.deliver_ack(conversation, seq)
        self.assertEqual(made, envelope(DELIVER_ACK, 0, body.SerializeToString()))
        self.assertEqual(chat_pb2.DeliverAck.FromString(BaseMessage.FromString(made).body), body)

    @CHECKED
    @given(UINT64)
    def test_a_varint_is_what_protobuf_writes(self, value: int) -> None:
        written = BaseMessage(id=value).SerializeToString()
        self.assertEqual(b"\x10" + hot.varint(value) if value else b"", written)

    def test_zero_is_one_byte(self) -> None:
        self.assertEqual(hot.varint(0), b"\x00")

    def test_a_deliver_whose_every_entry_counts_has_the_bytes_of_protobuf(self) -> None:
        for seq in (0, 1, 127, 128, 16_383, 16_384, 2**63):
            entry = sync_pb2.Entry(seq=seq, n=seq, kind=1)
            body = chat_pb2.Deliver(entry=entry)
            made = hot.deliver("", "", seq, seq, 1, "", b"", 0, b"")
            self.assertEqual(made, envelope(DELIVER, 0, body.SerializeToString()))
