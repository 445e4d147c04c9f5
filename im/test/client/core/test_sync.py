"""What changed since: pages, stamps, epochs, audits (rules L4, L6, L7, M3)."""

from twisted.trial.unittest import SynchronousTestCase

from im.client.core.events import Answered, AuditFound, Ended, HeadChanged, Message, RequestTimedOut, Sent
from im.client.core.state import Watermark
from im.core.errors import Code
from im.core.messages import SyncCursor
from im.proto import session_pb2
from im.proto.chat_pb2 import Chat, DeliverAck
from im.proto.sync_pb2 import Pull, Sync, SyncResult
from im.test.client import server
from im.test.client.core.driver import Driver
from im.wire.codec import pack

OTHER = "d~alice~carol"


class SyncTests(SynchronousTestCase):
    """One device that comes online."""

    def setUp(self) -> None:
        self.driver = Driver()

    def come(self, result: SyncResult) -> None:
        self.driver.login(server.online_result(result))

    def next_page(self) -> tuple[int, Sync]:
        ((request, body),) = self.driver.take(Sync)
        return request, body

    def pulls(self) -> list[tuple[str, int]]:
        return [(body.conversation, body.from_seq) for _, body in self.driver.take(Pull)]

    def test_a_brand_new_device_begins_where_the_user_has_received(self) -> None:
        self.come(server.sync_result(server.head(head_seq=9, delivered_seq=5)))
        self.assertEqual(self.pulls(), [(server.CHAT, 6)])

    def test_a_device_that_synced_before_receives_a_new_conversation_whole(self) -> None:
        self.come(server.sync_result())
        self.driver.disconnect()
        self.come(server.sync_result(server.head(head_seq=9, delivered_seq=5), position=2))
        self.assertEqual(self.pulls(), [(server.CHAT, 1)])

    def test_the_login_names_the_cursor_of_the_last_sync(self) -> None:
        self.come(server.sync_result(position=7))
        again = Driver(self.driver.state)
        again.core.connected("token", 1.0, 1)
        again.collect()
        ((_, body),) = again.take(session_pb2.OnlineMessage)
        self.assertEqual((body.cursor.epoch, body.cursor.position), (server.EPOCH, 7))

    def test_l4_the_stamp_of_the_first_page_is_kept_when_the_last_one_came(self) -> None:
        self.come(server.sync_result(server.head(head_seq=1), position=5, following="x"))
        self.assertIsNone(self.driver.state.load().cursor)
        self.assertEqual(self.driver.state.load().heads, [])
        request, body = self.next_page()
        self.assertEqual((body.after, body.HasField("cursor")), ("x", False))
        self.driver.answer(request, server.sync_result(server.head(OTHER, 2), position=8))
        saved = self.driver.state.load()
        self.assertEqual(saved.cursor, SyncCursor(server.EPOCH, 5))
        self.assertEqual({each.conversation for each in saved.heads}, {server.CHAT, OTHER})

    def test_l4_whoever_dies_between_two_pages_starts_over(self) -> None:
        self.come(server.sync_result(server.head(head_seq=1), position=5, following="x"))
        again = Driver(self.driver.state)
        again.login(server.online_result(server.sync_result(server.head(OTHER, 2, delivered_seq=2))))
        self.assertEqual(again.take(Pull), [])
        self.assertEqual(again.state.load().cursor, SyncCursor(server.EPOCH, 1))

    def test_l3_a_page_without_an_answer_is_asked_for_again(self) -> None:
        self.come(server.sync_result(following="x"))
        first = self.next_page()
        self.driver.wait(8.0)
        self.assertEqual(self.next_page(), first)

    def test_a_delivery_before_its_page_waits_for_its_place(self) -> None:
        self.come(server.sync_result(following="x"))
        request, _ = self.next_page()
        self.driver.receive(server.deliver(6))
        self.assertEqual(self.driver.told(Message), [])
        self.driver.answer(request, server.sync_result(server.head(head_seq=5, delivered_seq=5)))
        self.assertEqual(self.driver.handle_all(), [6])
        self.assertEqual(self.pulls(), [])

    def test_a_conversation_that_no_page_told_of_begins_at_its_first_entry(self) -> None:
        self.come(server.sync_result(following="x"))
        request, _ = self.next_page()
        self.driver.receive(server.deliver(1))
        self.driver.answer(request, server.sync_result())
        self.assertEqual(self.driver.handle_all(), [1])

    def received_three(self) -> None:
        self.come(server.sync_result(server.head()))
        self.driver.receive(*(server.deliver(seq) for seq in (1, 2, 3)))
        self.driver.handle_all()
        self.driver.wait(0.1)
        self.driver.take(DeliverAck)

    def test_l6_a_new_epoch_fetches_again_what_the_old_one_had_otherwise(self) -> None:
        self.received_three()
        self.driver.disconnect()
        restored = server.head(head_seq=2, epoch_seq=1)
        self.come(server.sync_result(restored, epoch="epoch-2"))
        ((request, body),) = self.driver.take(Pull)
        self.assertEqual(body.from_seq, 2)
        self.driver.answer(request, server.page(server.entry(2), head_seq=2, epoch="epoch-2"))
        self.assertEqual(self.driver.handle_all(), [2])

    def test_l6_what_both_epochs_have_is_not_fetched_again(self) -> None:
        self.received_three()
        self.driver.disconnect()
        self.come(server.sync_result(server.head(head_seq=4, epoch_seq=4), epoch="epoch-2"))
        self.assertEqual(self.pulls(), [(server.CHAT, 4)])

    def test_l6_a_delivery_of_a_new_epoch_makes_the_client_look(self) -> None:
        self.received_three()
        self.driver.receive(server.deliver(2, epoch="epoch-2"))
        self.assertEqual(self.driver.told(Message), [])
        request, body = self.next_page()
        self.assertEqual(body.cursor.epoch, server.EPOCH)
        self.driver.answer(request, server.sync_result(server.head(head_seq=2, epoch_seq=1), epoch="epoch-2"))
        self.assertEqual(self.pulls(), [(server.CHAT, 2)])
        self.assertEqual(self.driver.state.load().watermarks[0].epoch, "epoch-2")

    def test_l6_what_was_in_work_does_not_count_in_the_new_epoch(self) -> None:
        self.come(server.sync_result(server.head()))
        self.driver.receive(server.deliver(1), server.deliver(2))
        old = self.driver.told(Message)
        self.driver.disconnect()
        self.come(server.sync_result(server.head(head_seq=2), epoch="epoch-2"))
        ((request, _),) = self.driver.take(Pull)
        self.driver.answer(
            request, server.page(server.entry(1), server.entry(2), head_seq=2, epoch="epoch-2")
        )
        for message in old:
            self.driver.core.handled(message, self.driver.now)
        self.driver.wait(1.0)
        self.assertEqual(self.driver.take(DeliverAck), [])
        self.assertEqual(self.driver.handle_all(), [1, 2])

    def test_l6_own_messages_of_a_new_epoch_are_not_handed_out(self) -> None:
        self.received_three()
        self.driver.disconnect()
        self.come(server.sync_result(following="x", epoch="epoch-2"))
        request, _ = self.next_page()
        self.driver.send(1)
        ((sending, _),) = self.driver.take(Chat)
        self.driver.receive(server.send_ack(sending, 1, epoch="epoch-2"))
        self.assertEqual(len(self.driver.told(Sent)), 1)
        self.driver.answer(request, server.sync_result(server.head(head_seq=2), epoch="epoch-2"))
        self.assertEqual(self.pulls(), [(server.CHAT, 2)])

    def test_l6_own_messages_before_what_is_in_work_are_not_handed_out(self) -> None:
        self.come(server.sync_result(server.head()))
        self.driver.receive(server.deliver(1))
        self.driver.send(1)
        ((sending, _),) = self.driver.take(Chat)
        self.driver.receive(server.send_ack(sending, 2))
        self.driver.told(Message)
        self.driver.disconnect()
        self.come(server.sync_result(server.head(head_seq=3, epoch_seq=3), epoch="epoch-2"))
        ((request, _),) = self.driver.take(Pull)
        entries = [server.entry(1), server.entry(2, sender="alice"), server.entry(3)]
        self.driver.answer(request, server.page(*entries, head_seq=3, epoch="epoch-2"))
        self.assertEqual(self.driver.handle_all(), [1, 3])

    def test_l6_a_conversation_that_a_new_epoch_lacks_is_empty_and_may_begin_anew(self) -> None:
        self.received_three()
        self.driver.disconnect()
        self.come(server.sync_result(epoch="epoch-2"))
        (head,) = self.driver.core.heads()
        self.assertEqual((head.conversation, head.head_seq, head.unread), (server.CHAT, 0, 0))
        self.assertEqual(self.driver.told(HeadChanged)[-1].head, head)
        saved = self.driver.state.load()
        self.assertEqual(saved.watermarks, [Watermark(server.CHAT, "epoch-2", 0)])
        self.assertEqual(saved.heads, [head])
        self.driver.receive(server.deliver(1, epoch="epoch-2"))
        self.assertEqual(self.driver.handle_all(), [1])

    def test_l6_a_sync_whose_pages_are_of_two_epochs_starts_over(self) -> None:
        self.come(server.sync_result(server.head(), following="x"))
        request, _ = self.next_page()
        self.driver.answer(request, server.sync_result(epoch="epoch-2"))
        request, body = self.next_page()
        self.assertEqual(body.after, "")
        self.driver.answer(request, server.sync_result(epoch="epoch-2", position=3))
        self.assertEqual(self.driver.state.load().cursor, SyncCursor("epoch-2", 3))

    def test_m3_a_head_of_an_older_membership_is_ignored(self) -> None:
        self.come(server.sync_result(server.head(head_seq=3, delivered_seq=3, member_version=4)))
        self.driver.told(HeadChanged)
        self.driver.disconnect()
        self.come(server.sync_result(server.head(head_seq=9, member_version=3)))
        self.assertEqual(self.driver.told(HeadChanged), [])
        self.assertEqual(self.pulls(), [])

    def beat_until_audit(self) -> int:
        for _ in range(20):
            self.driver.wait(30.0)
            self.driver.take(session_pb2.Heartbeat)
            self.driver.receive(pack(session_pb2.HeartbeatAck(heartbeat_ms=30_000)))
            audits = self.driver.take(Sync)
            if audits:
                return audits[0][0]
        self.fail("no audit in twenty beats")

    def test_l7_an_audit_tells_of_what_no_push_told(self) -> None:
        self.come(server.sync_result(server.head()))
        self.driver.answer(self.beat_until_audit(), server.sync_result(server.head(head_seq=2)))
        self.assertEqual(self.pulls(), [])
        self.driver.wait(2.0)
        self.assertEqual(self.driver.told(AuditFound), [AuditFound(server.CHAT, 1, 2)])
        self.assertEqual(self.pulls(), [(server.CHAT, 1)])

    def test_l7_an_audit_that_a_delivery_follows_found_nothing(self) -> None:
        self.come(server.sync_result(server.head()))
        self.driver.answer(self.beat_until_audit(), server.sync_result(server.head(head_seq=1)))
        self.driver.receive(server.deliver(1))
        self.driver.wait(3.0)
        self.assertEqual(self.driver.told(AuditFound), [])
        self.assertEqual(self.pulls(), [])

    def test_a_refresh_is_answered_by_a_sync_that_began_after_it(self) -> None:
        self.come(server.sync_result(following="x"))
        request, _ = self.next_page()
        refresh = self.driver.core.refresh(self.driver.now)
        self.driver.answer(request, server.sync_result())
        self.assertEqual(self.driver.told(Answered), [])
        request, _ = self.next_page()
        self.driver.answer(request, server.sync_result(server.head(head_seq=0)))
        self.assertEqual(self.driver.told(Answered), [Answered(refresh, None)])
        self.assertEqual([each.conversation for each in self.driver.core.heads()], [server.CHAT])

    def test_a_refresh_asked_for_offline_is_answered_by_the_login(self) -> None:
        refresh = self.driver.core.refresh(self.driver.now)
        self.come(server.sync_result())
        self.assertEqual(self.driver.told(Answered), [Answered(refresh, None)])

    def test_a_refresh_that_lost_its_connection_is_answered_by_the_next_login(self) -> None:
        self.come(server.sync_result())
        refresh = self.driver.core.refresh(self.driver.now)
        self.driver.disconnect()
        self.come(server.sync_result())
        self.assertEqual(self.driver.told(Answered), [Answered(refresh, None)])

    def test_a_refresh_that_nothing_answers_times_out(self) -> None:
        refresh = self.driver.core.refresh(self.driver.now)
        self.driver.wait(60.0)
        self.assertEqual(self.driver.told(RequestTimedOut), [RequestTimedOut(refresh)])

    def test_a_sync_that_is_refused_for_good_ends_the_session(self) -> None:
        self.come(server.sync_result(following="x"))
        request, _ = self.next_page()
        self.driver.receive(server.error(request, Code.INTERNAL, "internal", retryable=False))
        self.assertEqual([each.reconnect for each in self.driver.told(Ended)], [True])
