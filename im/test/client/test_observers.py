"""Who is told what, on which turn, and when a message counts as received."""

from twisted.internet.defer import Deferred

from im.client import AppBody, CursorMoved, Head, Message
from im.proto import chat_pb2
from im.test.client import server
from im.test.client.cases import ClientTestCase
from im.wire.codec import pack, pack_raw


class ObserverTests(ClientTestCase):
    """Who is told what, and when a message counts as received."""

    def acked(self) -> list[int]:
        return [each.seq for each in self.node.asked if isinstance(each, chat_pb2.DeliverAck)]

    def test_a_message_is_acknowledged_when_its_observer_returned(self) -> None:
        seen: list[str] = []
        self.client.on_message(lambda message: seen.append(message.text))
        self.start()
        self.node.push(server.deliver(1))
        self.assertEqual((seen, self.acked()), (["text 1"], [1]))

    def test_a_message_is_acknowledged_when_its_observers_deferred_fired(self) -> None:
        work: list[Deferred[None]] = []

        def begin(message: Message) -> Deferred[None]:
            work.append(Deferred())
            return work[-1]

        self.client.on_message(begin)
        self.start()
        self.node.push(server.deliver(1), server.deliver(2))
        self.assertEqual((len(work), self.acked()), (1, []))
        work[0].callback(None)
        self.assertEqual(self.acked(), [1])
        self.node.turns()
        self.assertEqual(len(work), 2)

    def test_one_conversation_in_work_does_not_hold_another(self) -> None:
        seen: list[str] = []

        def begin(message: Message) -> Deferred[None] | None:
            seen.append(message.conversation)
            return Deferred() if message.conversation == server.CHAT else None

        self.client.on_message(begin)
        self.start()
        self.node.push(server.deliver(1), server.deliver(2), server.deliver(1, conversation="d~alice~carol"))
        self.assertEqual(seen, [server.CHAT, "d~alice~carol"])

    def test_a_coroutine_is_as_good_as_a_deferred(self) -> None:
        seen: list[int] = []

        async def work(message: Message) -> None:
            await self.client.send(server.CHAT, "answer")
            seen.append(message.seq)

        self.client.on_message(work)
        self.start()
        self.node.push(server.deliver(1), server.deliver(2))
        self.node.turns()
        self.assertEqual(seen, [1, 2])

    def test_an_observer_that_raises_is_logged_and_the_message_received(self) -> None:
        def fail_on(message: Message) -> None:
            raise ZeroDivisionError

        self.client.on_message(fail_on)
        self.start()
        self.node.push(server.deliver(1), server.deliver(2))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)
        self.node.wait(0.1)
        self.assertEqual(self.acked()[-1], 2)

    def test_a_coroutine_that_raises_is_logged_and_the_message_received(self) -> None:
        async def fail_on(message: Message) -> None:
            raise ZeroDivisionError

        self.client.on_message(fail_on)
        self.start()
        self.node.push(server.deliver(1))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.acked(), [1])

    def test_without_an_observer_messages_wait_for_one(self) -> None:
        self.start()
        self.node.push(server.deliver(1))
        self.assertEqual(self.acked(), [])
        seen: list[int] = []
        self.client.on_message(lambda message: seen.append(message.seq))
        self.assertEqual(seen, [])
        self.node.turns()
        self.assertEqual((seen, self.acked()), ([1], [1]))

    def test_observers_are_told_of_cursors_and_heads(self) -> None:
        told: list[CursorMoved] = []
        heads: list[Head] = []
        self.client.on_cursor(told.append)
        self.client.on_head(heads.append)
        self.start()
        self.node.push(pack(chat_pb2.Cursor(conversation=server.CHAT, user="bob", read_seq=1)))
        self.assertEqual(told, [CursorMoved(server.CHAT, "bob", 1, 0, None)])
        self.assertEqual([each.conversation for each in heads], [server.CHAT])

    def test_an_observer_may_stop_the_client(self) -> None:
        seen: list[int] = []

        def stop(message: Message) -> None:
            seen.append(message.seq)
            self.client.stop()

        self.client.on_message(stop)
        self.start()
        self.node.push(server.deliver(1), server.deliver(2))
        self.node.wait(3.0)
        self.assertEqual(seen, [1])
        self.assertEqual(self.acked(), [1])
        self.assertEqual(self.node.clock.getDelayedCalls(), [])

    def test_signals_of_apps_are_told(self) -> None:
        seen: list[AppBody] = []
        self.client.on_signal(seen.append)
        self.start()
        self.node.push(pack_raw(10_003, b"x"))
        self.node.turns()
        self.assertEqual(seen, [AppBody(10_003, b"x", "")])
