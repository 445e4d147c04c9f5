"""What comes in is handed out once, in order, without holes, and acknowledged when it was handled."""

from twisted.trial.unittest import SynchronousTestCase

from im.client.core.arrivals import MAX_PULLS, MAX_UNHANDLED
from im.client.core.conversation import MAX_EARLY
from im.client.core.events import Message
from im.core.errors import Code
from im.proto.chat_pb2 import Chat, DeliverAck
from im.proto.session_pb2 import FOREGROUND, Heartbeat
from im.proto.sync_pb2 import Pull, Resync, Sync
from im.test.client import server
from im.test.client.core.driver import Driver
from im.wire.codec import pack


class ArrivalsTests(SynchronousTestCase):
    """One device that receives, in a conversation that it knows from its login as empty."""

    def setUp(self) -> None:
        self.driver = Driver()
        self.driver.login(server.online_result(server.sync_result(server.head())))

    def acks(self) -> list[int]:
        return [body.seq for _, body in self.driver.take(DeliverAck)]

    def pulls(self) -> list[tuple[int, int]]:
        return [(request, body.from_seq) for request, body in self.driver.take(Pull)]

    def received(self) -> int:
        return next(each.seq for each in self.driver.state.load().watermarks)

    def test_deliveries_are_handed_out_in_order(self) -> None:
        self.driver.receive(server.deliver(1), server.deliver(2))
        self.assertEqual([each.text for each in self.driver.told(Message)], ["text 1", "text 2"])

    def test_nothing_is_acknowledged_or_saved_before_it_was_handled(self) -> None:
        self.driver.receive(server.deliver(1))
        self.driver.wait(1.0)
        self.assertEqual(self.acks(), [])
        self.assertEqual(self.received(), 0)
        self.driver.handle_all()
        self.assertEqual(self.acks(), [1])
        self.assertEqual(self.received(), 1)

    def test_an_idle_client_acknowledges_at_once_a_busy_one_within_50_ms(self) -> None:
        self.driver.receive(server.deliver(1))
        self.driver.handle_all()
        self.assertEqual(self.acks(), [1])
        self.driver.receive(server.deliver(2))
        self.driver.handle_all()
        self.driver.receive(server.deliver(3))
        self.driver.handle_all()
        self.assertEqual(self.acks(), [])
        self.driver.wait(0.05)
        self.assertEqual(self.acks(), [3])

    def test_out_of_the_background_what_was_acknowledged_lately_is_acknowledged_again(self) -> None:
        self.driver.receive(server.deliver(1))
        self.driver.handle_all()
        self.driver.core.set_background(True, self.driver.now)
        self.driver.collect()
        self.assertEqual(self.acks(), [1])
        self.driver.core.set_background(False, self.driver.now)
        self.driver.collect()
        self.assertEqual(self.driver.take(Heartbeat)[-1][1].app_state, FOREGROUND)
        self.assertEqual(self.acks(), [1])
        self.driver.core.set_background(True, self.driver.now)
        self.driver.wait(30.0)
        self.driver.core.set_background(False, self.driver.now)
        self.driver.collect()
        self.assertEqual(self.acks(), [])

    def test_many_at_once_are_acknowledged_without_waiting(self) -> None:
        self.driver.receive(*(server.deliver(seq) for seq in range(1, 41)))
        self.driver.handle_all()
        self.assertEqual(self.acks(), [1, 33])

    def test_a_duplicate_is_dropped_and_acknowledged_again(self) -> None:
        self.driver.receive(server.deliver(1))
        self.driver.handle_all()
        self.driver.wait(1.0)
        self.acks()
        self.driver.receive(server.deliver(1))
        self.assertEqual(self.driver.told(Message), [])
        self.assertEqual(self.acks(), [1])

    def test_a_duplicate_of_what_is_still_being_handled_is_not_acknowledged(self) -> None:
        self.driver.receive(server.deliver(1), server.deliver(1))
        self.driver.wait(1.0)
        self.assertEqual(self.acks(), [])
        self.assertEqual(len(self.driver.told(Message)), 1)

    def test_a_hole_is_pulled_and_what_came_early_waits_for_it(self) -> None:
        self.driver.receive(server.deliver(2), server.deliver(3))
        self.assertEqual(self.driver.told(Message), [])
        ((request, from_seq),) = self.pulls()
        self.assertEqual(from_seq, 1)
        self.driver.answer(request, server.page(server.entry(1), head_seq=3, more=True))
        self.assertEqual(self.driver.handle_all(), [1, 2, 3])
        self.driver.wait(0.1)
        self.assertEqual(self.acks()[-1], 3)
        self.assertEqual(self.pulls(), [])

    def test_pages_follow_until_the_head(self) -> None:
        self.driver.receive(server.deliver(5))
        ((first, _),) = self.pulls()
        self.driver.answer(first, server.page(server.entry(1), server.entry(2), head_seq=5, more=True))
        ((second, from_seq),) = self.pulls()
        self.assertEqual(from_seq, 3)
        self.driver.answer(second, server.page(server.entry(3), server.entry(4), head_seq=5, more=True))
        self.assertEqual(self.driver.handle_all(), [1, 2, 3, 4, 5])

    def test_a_pull_without_an_answer_is_repeated(self) -> None:
        self.driver.receive(server.deliver(2))
        first = self.pulls()
        self.driver.wait(8.0)
        self.assertEqual(self.pulls(), first)

    def test_a_pull_that_is_refused_for_good_ends_the_waiting(self) -> None:
        self.driver.receive(server.deliver(2))
        ((request, _),) = self.pulls()
        refusal = server.error(request, Code.NOT_FOUND, "not_found", retryable=False)
        self.driver.receive(refusal)
        self.driver.wait(20.0)
        self.assertEqual(self.pulls(), [])

    def test_early_entries_are_bounded_and_the_rest_is_pulled(self) -> None:
        last = MAX_EARLY + 10
        self.driver.receive(*(server.deliver(seq) for seq in range(2, last + 1)))
        ((request, _),) = self.pulls()
        self.driver.answer(request, server.page(server.entry(1), head_seq=last, more=True))
        self.assertEqual(self.driver.handle_all(), list(range(1, MAX_EARLY + 2)))
        self.assertEqual([from_seq for _, from_seq in self.pulls()], [MAX_EARLY + 2])

    def test_an_own_message_is_accounted_for_and_not_handed_out(self) -> None:
        self.driver.send(1)
        ((request, _),) = self.driver.take(Chat)
        self.driver.receive(server.send_ack(request, 1), server.deliver(2))
        self.assertEqual(self.driver.handle_all(), [2])
        self.assertEqual(self.pulls(), [])
        self.assertEqual(self.received(), 2)

    def test_a_delivery_that_an_own_message_overtook_is_waited_for(self) -> None:
        self.driver.send(1)
        ((request, _),) = self.driver.take(Chat)
        self.driver.receive(server.send_ack(request, 3))
        self.driver.receive(server.deliver(1))
        self.assertEqual(self.pulls(), [])
        self.driver.receive(server.deliver(2))
        self.assertEqual(self.driver.handle_all(), [1, 2])
        self.driver.wait(1.0)
        self.assertEqual(self.received(), 3)
        self.assertEqual(self.pulls(), [])

    def test_a_delivery_that_never_comes_is_pulled_after_a_grace(self) -> None:
        self.driver.send(1)
        ((request, _),) = self.driver.take(Chat)
        self.driver.receive(server.send_ack(request, 2))
        self.driver.wait(0.25)
        self.assertEqual([from_seq for _, from_seq in self.pulls()], [1])

    def test_an_own_message_behind_one_in_work_is_saved_with_it(self) -> None:
        self.driver.receive(server.deliver(1))
        self.driver.send(1)
        ((request, _),) = self.driver.take(Chat)
        self.driver.receive(server.send_ack(request, 2))
        self.assertEqual(self.received(), 0)
        self.driver.handle_all()
        self.assertEqual(self.received(), 2)

    def test_a_conversation_that_begins_is_taken_from_its_first_entry(self) -> None:
        self.driver.receive(server.deliver(2, conversation="d~alice~carol", sender="carol"))
        self.assertEqual([from_seq for _, from_seq in self.pulls()], [1])

    def test_what_waits_at_the_reconnect_is_acknowledged_then(self) -> None:
        self.driver.receive(server.deliver(1))
        self.driver.disconnect()
        self.driver.handle_all()
        self.assertEqual(self.acks(), [])
        self.driver.login()
        self.assertEqual(self.acks(), [1])

    def test_an_acknowledgement_that_may_be_lost_is_given_again(self) -> None:
        self.driver.receive(server.deliver(1))
        self.driver.handle_all()
        self.assertEqual(self.acks(), [1])
        self.driver.disconnect()
        self.driver.login()
        self.assertEqual(self.acks(), [1])

    def test_a_killed_client_is_handed_only_what_it_had_not_handled(self) -> None:
        self.driver.receive(server.deliver(1), server.deliver(2))
        self.driver.core.handled(self.driver.told(Message)[0], self.driver.now)
        self.driver.collect()
        again = Driver(self.driver.state)
        again.login(server.online_result(server.sync_result(server.head(head_seq=2, delivered_seq=1))))
        ((request, body),) = again.take(Pull)
        self.assertEqual(body.from_seq, 2)
        again.answer(request, server.page(server.entry(2), head_seq=2))
        self.assertEqual([each.seq for each in again.told(Message)], [2])

    def test_what_was_synced_and_not_pulled_before_a_kill_is_pulled_after_it(self) -> None:
        self.driver.disconnect()
        self.driver.login(server.online_result(server.sync_result(server.head(head_seq=3))))
        again = Driver(self.driver.state)
        again.login()
        self.assertEqual([body.from_seq for _, body in again.take(Pull)], [1])

    def test_only_some_pulls_are_on_their_way_at_once(self) -> None:
        heads = [server.head(f"d~alice~{number}", 1) for number in range(MAX_PULLS + 3)]
        self.driver.disconnect()
        self.driver.login(server.online_result(server.sync_result(*heads)))
        pulls = self.driver.take(Pull)
        self.assertEqual(len(pulls), MAX_PULLS)
        request, body = pulls[0]
        answer = server.page(server.entry(1), head_seq=1)
        answer.conversation = body.conversation
        self.driver.answer(request, answer)
        self.assertEqual(len(self.pulls()), 1)

    def test_a_front_that_does_not_keep_up_is_not_buried(self) -> None:
        total = 4 * MAX_UNHANDLED
        for seq in range(1, total + 1):
            self.driver.receive(server.deliver(seq))
        handed = self.driver.handle_all()
        self.assertLess(len(handed), total)
        self.assertEqual(handed, list(range(1, len(handed) + 1)))
        self.assertEqual([from_seq for _, from_seq in self.pulls()], [len(handed) + 1])

    def test_m3_hidden_entries_are_jumped_over(self) -> None:
        self.driver.receive(server.deliver(9))
        ((request, _),) = self.pulls()
        self.driver.answer(request, server.page(server.entry(8), head_seq=9, more=True, visible_from=8))
        self.assertEqual(self.driver.handle_all(), [8, 9])
        self.driver.wait(0.1)
        self.assertEqual(self.received(), 9)

    def test_m3_a_jump_waits_for_what_is_in_work(self) -> None:
        self.driver.receive(server.deliver(1), server.deliver(9))
        ((request, _),) = self.pulls()
        self.driver.answer(request, server.page(server.entry(8), head_seq=9, more=True, visible_from=8))
        first, *rest = self.driver.told(Message)
        self.assertEqual(self.received(), 0)
        self.driver.core.handled(first, self.driver.now)
        self.driver.collect()
        self.assertEqual(self.received(), 7)
        self.assertEqual([each.seq for each in rest], [8, 9])

    def test_m3_a_page_of_an_older_membership_is_ignored(self) -> None:
        self.driver.disconnect()
        newer = server.head(head_seq=4, visible_from=4, member_version=7)
        self.driver.login(server.online_result(server.sync_result(newer)))
        ((request, from_seq),) = self.pulls()
        self.assertEqual(from_seq, 4)
        self.driver.answer(request, server.page(server.entry(4), head_seq=4, member_version=6))
        self.assertEqual(self.driver.told(Message), [])
        self.driver.wait(2.0)
        self.assertEqual([from_seq for _, from_seq in self.pulls()], [4])

    def test_m3_who_left_waits_for_nothing(self) -> None:
        self.driver.receive(server.deliver(3))
        ((request, _),) = self.pulls()
        last = server.page(server.entry(1), head_seq=1)
        last.active = False
        self.driver.answer(request, last)
        self.assertEqual(self.driver.handle_all(), [1])
        self.driver.wait(20.0)
        self.assertEqual(self.pulls(), [])

    def test_a_resync_syncs_and_pulls(self) -> None:
        self.driver.receive(pack(Resync(conversations=[server.CHAT])))
        ((request, body),) = self.driver.take(Sync)
        self.assertEqual(body.cursor.position, 1)
        self.driver.answer(request, server.sync_result(server.head(head_seq=2), position=2))
        self.assertEqual([from_seq for _, from_seq in self.pulls()], [1])
