"""What goes out keeps its order and its ids, whatever the node answers (rules S1 to S3)."""

from twisted.trial.unittest import SynchronousTestCase

from im.client.core.events import SendFailed, SendPending, SendUnknown, Sent
from im.client.core.outbox import OutboxFullError
from im.client.core.session import CoreSettings
from im.core.errors import Code
from im.proto.chat_pb2 import Chat
from im.proto.sync_pb2 import Pull
from im.test.client import server
from im.test.client.core.driver import Driver, message_id

Try = tuple[int, int, int]


def number(key: bytes) -> int:
    """The number that a test gave a message; 0 of no message."""
    return int.from_bytes(key, "big")


class OutboxTests(SynchronousTestCase):
    """One device that sends."""

    def setUp(self) -> None:
        self.driver = Driver()

    def tries(self) -> list[Try]:
        """The chats written since the last call: request, message, the one that it comes after."""
        return [
            (request, number(chat.client_msg_id), number(chat.after))
            for request, chat in self.driver.take(Chat)
        ]

    def links(self) -> list[tuple[int, int]]:
        return [(message, after) for _, message, after in self.tries()]

    def refuse(self, request: int, code: Code, retry_after_ms: int = 0) -> None:
        self.driver.receive(
            server.error(
                request, code, code.label, retryable=code.is_retryable, retry_after_ms=retry_after_ms
            )
        )

    def test_a_message_sent_offline_leaves_at_the_login(self) -> None:
        self.driver.send(1)
        self.assertEqual(self.tries(), [])
        self.driver.login()
        self.assertEqual(self.links(), [(1, 0)])

    def test_each_send_names_the_unanswered_one_before_it(self) -> None:
        self.driver.login()
        for each in (1, 2, 3):
            self.driver.send(each)
        self.assertEqual(self.links(), [(1, 0), (2, 1), (3, 2)])

    def test_what_follows_an_answered_send_names_nothing(self) -> None:
        self.driver.login()
        self.driver.send(1)
        self.driver.receive(server.send_ack(self.tries()[0][0], 1))
        self.driver.send(2)
        self.assertEqual(self.links(), [(2, 0)])

    def test_an_acknowledged_message_is_told_as_sent_and_forgotten(self) -> None:
        self.driver.login()
        self.driver.send(1)
        self.assertEqual(len(self.driver.state.load().unsent), 1)
        self.driver.receive(server.send_ack(self.tries()[0][0], 7))
        self.assertEqual(self.driver.told(Sent), [Sent(server.CHAT, message_id(1), 7, 7)])
        self.assertEqual(self.driver.state.load().unsent, [])

    def test_s2_a_refusal_for_the_moment_resends_from_the_first_unanswered_in_order(self) -> None:
        self.driver.login()
        self.driver.send(1)
        self.driver.send(2)
        (first, _, _), (second, _, _) = self.tries()
        self.refuse(first, Code.UNAVAILABLE)
        self.driver.send(3)
        self.refuse(second, Code.OUT_OF_ORDER)
        self.assertEqual(self.links(), [])
        self.driver.wait(1.0)
        self.assertEqual(self.links(), [(1, 0), (2, 1), (3, 2)])
        self.assertEqual(self.driver.told(SendFailed), [])

    def test_a_held_conversation_does_not_hold_another(self) -> None:
        self.driver.login()
        self.driver.send(1)
        self.refuse(self.tries()[0][0], Code.UNAVAILABLE)
        self.driver.send(2, "d~alice~carol")
        self.assertEqual(self.links(), [(2, 0)])

    def test_a_final_refusal_drops_the_message_and_relinks_the_next(self) -> None:
        self.driver.login()
        for each in (1, 2, 3):
            self.driver.send(each)
        first, second, _ = (request for request, _, _ in self.tries())
        self.refuse(first, Code.INVALID_ARGUMENT)
        self.assertEqual([number(each.client_msg_id) for each in self.driver.told(SendFailed)], [1])
        self.assertEqual(self.links(), [(2, 0), (3, 2)])
        self.refuse(second, Code.OUT_OF_ORDER)  # of the try that still named the first one
        self.driver.wait(1.0)
        self.assertEqual(self.links(), [])
        self.assertEqual([number(each.client_msg_id) for each in self.driver.state.load().unsent], [2, 3])

    def test_s3_after_a_time_out_a_message_is_unknown_and_tried_again_under_its_id(self) -> None:
        self.driver.login()
        self.driver.send(1)
        self.driver.send(2)
        self.tries()
        self.driver.wait(8.0)
        self.assertEqual([number(each.client_msg_id) for each in self.driver.told(SendUnknown)], [1, 2])
        self.assertEqual(self.links(), [(1, 0), (2, 1)])
        self.assertEqual(self.driver.told(SendFailed), [])
        self.driver.wait(8.0)
        self.assertEqual(self.driver.told(SendUnknown), [])
        self.assertEqual(self.links(), [(1, 0), (2, 1)])

    def test_a_late_acknowledgement_of_an_earlier_try_counts(self) -> None:
        self.driver.login()
        self.driver.send(1)
        early = self.tries()[0][0]
        self.driver.wait(20.0)
        self.assertEqual(len(self.tries()), 2)
        self.driver.receive(server.send_ack(early, 1))
        self.assertEqual(len(self.driver.told(Sent)), 1)
        self.driver.wait(20.0)
        self.assertEqual(self.tries(), [])

    def test_acknowledged_out_of_order_the_first_one_is_tried_on(self) -> None:
        self.driver.login()
        self.driver.send(1)
        self.driver.send(2)
        self.driver.receive(server.send_ack(self.tries()[1][0], 2))
        self.driver.send(3)
        self.assertEqual(self.links(), [(3, 1)])
        self.driver.wait(8.0)
        self.assertEqual(self.links(), [(1, 0), (3, 1)])

    def test_after_a_reconnect_everything_unanswered_goes_again_in_order(self) -> None:
        self.driver.login()
        for each in (1, 2, 3):
            self.driver.send(each)
        self.driver.receive(server.send_ack(self.tries()[0][0], 1))
        self.driver.disconnect()
        self.assertEqual([number(each.client_msg_id) for each in self.driver.told(SendUnknown)], [2, 3])
        self.driver.login()
        self.assertEqual(self.links(), [(2, 0), (3, 2)])

    def test_no_more_are_on_their_way_than_the_server_takes(self) -> None:
        self.driver.login(server.online_result(in_flight=2))
        for each in (1, 2, 3):
            self.driver.send(each)
        first = self.tries()
        self.assertEqual([message for _, message, _ in first], [1, 2])
        self.driver.receive(server.send_ack(first[0][0], 1))
        self.assertEqual(self.links(), [(3, 2)])

    def test_conversations_take_turns(self) -> None:
        for each in (1, 2, 3):
            self.driver.send(each)
        self.driver.send(11, "d~alice~carol")
        self.driver.login(server.online_result(in_flight=2))
        self.assertEqual([message for message, _ in self.links()], [1, 11])

    def test_a_rate_limit_stops_every_conversation_for_as_long_as_it_says(self) -> None:
        self.driver.login()
        self.driver.send(1)
        self.refuse(self.tries()[0][0], Code.RATE_LIMITED, retry_after_ms=3_000)
        self.driver.send(2, "d~alice~carol")
        self.driver.wait(2.9)
        self.assertEqual(self.tries(), [])
        self.driver.wait(0.2)
        self.assertEqual(sorted(self.links()), [(1, 0), (2, 0)])

    def test_waits_between_retries_grow(self) -> None:
        self.driver.login()
        self.driver.send(1)
        waits = []
        for _ in range(4):
            self.refuse(self.tries()[-1][0], Code.UNAVAILABLE)
            waits.append(self.driver.core.deadline() - self.driver.now)
            self.driver.wait(waits[-1])
        self.assertEqual(waits, [0.1875, 0.375, 0.75, 1.5])

    def test_a_killed_client_sends_what_it_had_not_sent(self) -> None:
        self.driver.login()
        self.driver.send(1)
        self.driver.send(2)
        again = Driver(self.driver.state)
        self.assertEqual([number(each.client_msg_id) for each in again.told(SendPending)], [1, 2])
        again.login()
        self.assertEqual(
            [(number(chat.client_msg_id), number(chat.after)) for _, chat in again.take(Chat)],
            [(1, 0), (2, 1)],
        )

    def test_the_same_id_again_is_the_same_message(self) -> None:
        self.driver.login()
        self.driver.send(1)
        self.driver.send(1)
        self.assertEqual(self.links(), [(1, 0)])

    def test_a_full_outbox_takes_no_more(self) -> None:
        self.driver = Driver(settings=CoreSettings(outbox_messages=1))
        self.driver.send(1)
        self.assertRaises(OutboxFullError, self.driver.send, 2)
        self.assertEqual(len(self.driver.state.load().unsent), 1)

    def test_an_own_message_met_in_the_log_is_sent(self) -> None:
        self.driver.login(server.online_result(server.sync_result(server.head())))
        self.driver.send(1)
        self.tries()
        mine = server.entry(1, "alice", client_msg_id=message_id(1))
        self.driver.receive(server.deliver(2))
        (request, _) = self.driver.take(Pull)[0]
        self.driver.answer(request, server.page(mine, server.entry(2), head_seq=2))
        self.assertEqual([each.seq for each in self.driver.told(Sent)], [1])
        self.assertEqual(self.driver.handle_all(), [2])
        self.driver.wait(10.0)
        self.assertEqual(self.tries(), [])
