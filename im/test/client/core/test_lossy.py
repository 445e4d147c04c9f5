"""A core against a model of a node that loses, doubles and reorders, in random schedules."""

from random import Random

from google.protobuf.message import Message as Body
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from im.client.core.events import Message, SendFailed, Sent
from im.core.errors import Code
from im.proto import base_pb2, chat_pb2, session_pb2, sync_pb2
from im.test.client import server
from im.test.client.core.driver import Driver, message_id
from im.wire.codec import pack


class Node:
    """The truth: one conversation's log, with the rules that a real node keeps for senders."""

    def __init__(self, random: Random) -> None:
        self.log: list[tuple[str, bytes]] = []
        self.delivered = 0
        self.loss = 0.0
        self._random = random
        self._outgoing: list[bytes] = []

    def post(self, sender: str, key: bytes) -> int:
        """Store an entry; its seq."""
        self.log.append((sender, key))
        return len(self.log)

    def push(self, seq: int) -> None:
        """Hint at an entry: perhaps never, perhaps twice, perhaps late."""
        for _ in range(self._random.choice((1, 1, 1, 2))):
            if self._random.random() >= self.loss:
                at = self._random.randint(0, len(self._outgoing)) if self.loss else len(self._outgoing)
                self._outgoing.insert(at, pack(chat_pb2.Deliver(**self._named(), entry=self._entry(seq))))

    def take(self) -> list[bytes]:
        """What goes out now."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def receive(self, frame: bytes) -> None:
        """Answer a request, or lose it or the answer."""
        number, body = server.read_frame(frame)
        if self._random.random() < self.loss:
            return
        answer = self._answer(body)
        if answer is not None and self._random.random() >= self.loss:
            self._outgoing.append(pack(answer, number))

    def _answer(self, body: Body) -> Body | None:
        if isinstance(body, chat_pb2.Chat):
            return self._store(body)
        if isinstance(body, chat_pb2.DeliverAck):
            self.delivered = max(self.delivered, body.seq)
        if isinstance(body, sync_pb2.Pull):
            entries = [self._entry(seq) for seq in range(body.from_seq, len(self.log) + 1)][:3]
            more = bool(entries) and entries[-1].seq < len(self.log)
            return server.page(*entries, head_seq=len(self.log), more=more)
        if isinstance(body, sync_pb2.Sync):
            return self._sync()
        if isinstance(body, session_pb2.OnlineMessage):
            return server.online_result(self._sync(), in_flight=3)
        if isinstance(body, session_pb2.Heartbeat):
            return session_pb2.HeartbeatAck(heartbeat_ms=30_000)
        return None

    def _store(self, chat: chat_pb2.Chat) -> Body:
        keys = [key for _, key in self.log]
        if chat.client_msg_id in keys:
            seq = keys.index(chat.client_msg_id) + 1
        elif chat.after and chat.after not in keys:
            return self._refusal(Code.OUT_OF_ORDER)
        elif self._random.random() < self.loss:
            return self._refusal(Code.UNAVAILABLE)
        else:
            seq = self.post("alice", chat.client_msg_id)
        return chat_pb2.SendAck(**self._named(), seq=seq, server_time_ms=seq)

    def _refusal(self, code: Code) -> Body:
        return base_pb2.Error(code=code, name=code.label, retryable=True)

    def _sync(self) -> sync_pb2.SyncResult:
        return server.sync_result(
            server.head(head_seq=len(self.log), delivered_seq=self.delivered), position=len(self.log) + 1
        )

    def _entry(self, seq: int) -> sync_pb2.Entry:
        sender, key = self.log[seq - 1]
        return server.entry(seq, sender, client_msg_id=key)

    def _named(self) -> dict[str, str]:
        return {"conversation": server.CHAT, "epoch": server.EPOCH}


class World:
    """A node, a client that may be killed, and what was seen on both sides."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.node = Node(self.random)
        self.driver = Driver()
        self.seen: list[int] = []
        self.handled: set[int] = set()
        self.sent: dict[bytes, int] = {}
        self.sends = 0
        self.posts = 0
        self.is_connected = False
        self.reconnect()
        self.exchange()

    def step(self, what: str) -> None:
        """Let one thing happen."""
        if what == "send":
            self.sends += 1
            self.driver.send(self.sends)
        elif what == "post":
            self.posts += 1
            self.node.push(self.node.post("bob", message_id(1_000 + self.posts)))
        elif what == "cut":
            self.cut()
        elif what == "kill":
            self.cut()
            self.driver = Driver(self.driver.state)
            self.seen = [seq for seq in self.seen if seq in self.handled]
        elif what == "wait":
            self.driver.wait(self.random.choice((0.05, 1.0, 9.0)))
        self.exchange()

    def cut(self) -> None:
        """Lose the connection with all that is on its way."""
        self.is_connected = False
        self.node.take()
        self.driver.disconnect()

    def reconnect(self) -> None:
        """Connect anew, as a front does."""
        if not self.is_connected:
            self.is_connected = True
            self.driver.core.connected("token", self.driver.now, int(self.driver.now))
            self.driver.collect()

    def exchange(self) -> None:
        """Carry what is on its way, and be done with some of what was handed out."""
        if self.is_connected:
            frames, self.driver.frames = self.driver.frames, []
            for frame in frames:
                self.node.receive(frame)
            self.driver.receive(*self.node.take())
        for message in self.driver.told(Message):
            self.seen.append(message.seq)
            self.handled.add(message.seq)
            self.driver.core.handled(message, self.driver.now)
        self.driver.collect()
        for sent in self.driver.told(Sent):
            self.sent[sent.client_msg_id] = sent.seq

    def heal(self) -> None:
        """No more losses: everything must come to rest."""
        self.node.loss = 0.0
        self.cut()
        self.reconnect()
        for _ in range(60):
            self.exchange()
            self.driver.wait(1.0)


STEPS = st.lists(st.sampled_from(("send", "post", "post", "cut", "wait", "kill")), max_size=40)


class LossyTests(SynchronousTestCase):
    """What must be true after any schedule."""

    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(steps=STEPS, seed=st.integers(0, 2**16), loss=st.sampled_from((0.0, 0.2, 0.5)))
    def test_nothing_is_lost_doubled_or_out_of_order(self, steps: list[str], seed: int, loss: float) -> None:
        world = World(seed)
        world.node.loss = loss
        for what in steps:
            world.step(what)
            if world.random.random() < 0.5:
                world.reconnect()
        world.heal()
        mine = [key for sender, key in world.node.log if sender == "alice"]
        self.assertEqual(mine, [message_id(number) for number in range(1, world.sends + 1)])
        stored = {key: seq for seq, (_, key) in enumerate(world.node.log, 1)}
        self.assertTrue(all(stored[key] == seq for key, seq in world.sent.items()))
        self.assertEqual(world.driver.core.unsent, 0)
        self.assertEqual(world.driver.told(SendFailed), [])
        theirs = [seq for seq, (sender, _) in enumerate(world.node.log, 1) if sender == "bob"]
        self.assertEqual([seq for seq in theirs if seq not in world.handled], [])
        if "kill" not in steps:
            self.assertEqual([seq for seq in world.seen if seq in set(theirs)], theirs)
        self.assertEqual(world.driver.state.load().watermarks[0].seq, len(world.node.log))
