"""Clients that take their deliveries slowly, not at all, or never say that they have them."""

from pathlib import Path
from typing import Any

from im.core.errors import Code
from im.proto.base_pb2 import Close
from im.proto.chat_pb2 import Deliver, SendAck
from im.proto.sync_pb2 import Page, Pull, Resync
from im.test.system.bad_input import CONVERSATION, BadInputCase
from im.test.system.raw_client import RawClient
from im.wire.codec import unpack_body
from im.wire.types import DELIVER, RESYNC

CONTENT = b"x" * 32_000
QUEUE_BYTES = 65_536
RECEIVE_BYTES = 65_536


def network_bytes() -> int:
    """How much the kernel may hold between the node and a client that does not read."""
    send_bytes = int(Path("/proc/sys/net/ipv4/tcp_wmem").read_text().split()[2])
    return send_bytes + 4 * RECEIVE_BYTES


MESSAGES = 3 * network_bytes() // len(CONTENT)


class SlowReaderTests(BadInputCase):
    async def start(self, **limits: Any) -> tuple[RawClient, RawClient]:
        """A sender, and a reader that reads nothing and whose window is large."""
        large: dict[str, Any] = {
            "window_bytes": 100_000_000,
            "window_deliveries": 100_000,
            "sends_in_flight": MESSAGES,
            "queue_bytes": QUEUE_BYTES,
        }
        await self.start_node(**large | limits)
        alice, bob = await self.log_in("alice"), await self.log_in("bob")
        bob.set_receive_buffer(RECEIVE_BYTES)
        bob.stop_reading()
        return alice, bob

    async def send_much(self, alice: RawClient) -> None:
        """Three times what the network holds."""
        for _ in range(MESSAGES):
            alice.ask(self.chat(CONTENT))
        for _ in range(MESSAGES):
            await alice.skip_to(SendAck)

    def assert_bounded(self, bob: RawClient) -> None:
        """No more was kept for him than the network holds and a full queue."""
        self.assertLess(bob.received_bytes, network_bytes() + 65_536 + QUEUE_BYTES + 2 * len(CONTENT))

    async def check_deliveries_are_dropped_and_one_resync_says_so(self) -> None:
        alice, bob = await self.start()
        await self.send_much(alice)
        self.assertGreater(self.node.counters.dropped, 0)
        bob.read_on()
        seqs = []
        while (envelope := await bob.next()).type == DELIVER:
            delivered = unpack_body(envelope)
            assert isinstance(delivered, Deliver)
            seqs.append(delivered.entry.seq)
        self.assertEqual(list(range(1, len(seqs) + 1)), seqs)
        self.assertLess(len(seqs), MESSAGES)
        self.assertEqual(RESYNC, envelope.type)
        resync = unpack_body(envelope)
        assert isinstance(resync, Resync)
        self.assertEqual([CONVERSATION], list(resync.conversations))
        self.assert_bounded(bob)
        page = await bob.expect(Page, bob.ask(Pull(conversation=CONVERSATION, from_seq=len(seqs) + 1)))
        self.assertEqual((len(seqs) + 1, MESSAGES), (page.entries[0].seq, page.head_seq))
        alice.ask(self.chat(b"at last"))
        self.assertEqual(b"at last", (await bob.expect(Deliver)).entry.content)

    async def check_who_never_reads_is_ended_within_the_bound(self) -> None:
        alice, bob = await self.start(slow_reader_seconds=0.5)
        await self.send_much(alice)
        await self.until(lambda: self.said("session of bob ended"))
        [line] = self.said("session of bob ended")
        self.assertIn("slow_reader", line)
        bob.read_on()
        close = await bob.skip_to(Close)
        self.assertEqual((Code.SLOW_READER, True), (close.code, close.reconnect))
        await bob.until_end()
        self.assert_bounded(bob)
        await self.assert_alive(alice)


class NeverAcknowledgingTests(BadInputCase):
    async def check_a_delivery_is_resent_then_the_session_ends(self) -> None:
        await self.start_node(resend_seconds=0.1, resends=2)
        alice, bob = await self.log_in("alice"), await self.log_in("bob")
        sent = await alice.expect(SendAck, alice.ask(self.chat()))
        seqs = [(await bob.expect(Deliver)).entry.seq for _ in range(3)]
        self.assertEqual([sent.seq] * 3, seqs)
        await self.assert_closed(bob, Code.UNRESPONSIVE)
        await self.assert_alive(alice)

    async def check_a_full_window_is_dropped_and_one_resync_says_so(self) -> None:
        await self.start_node(resend_seconds=0.3, resends=1, window_deliveries=5)
        alice, bob = await self.log_in("alice"), await self.log_in("bob")
        for _ in range(50):
            await alice.expect(SendAck, alice.ask(self.chat()))
        bodies = [unpack_body(await bob.next())]
        while not isinstance(bodies[-1], Close):
            bodies.append(unpack_body(await bob.next()))
        *delivered, resync, close = bodies
        seqs = [body.entry.seq for body in delivered if isinstance(body, Deliver)]
        self.assertEqual(len(delivered), len(seqs))
        self.assertLess(len(set(seqs)), 50)
        assert isinstance(resync, Resync)
        self.assertEqual([CONVERSATION], list(resync.conversations))
        assert isinstance(close, Close)
        self.assertEqual(Code.UNRESPONSIVE, close.code)
