"""The front: connecting, sending, asking, observing and stopping, on a fake clock."""

from typing import Any

from twisted.internet.defer import Deferred

from im.client import (
    ClientStatus,
    ClientStoppedError,
    ConflictError,
    CursorMoved,
    NotFoundError,
    Presence,
    SendUnknown,
    Sent,
    Status,
)
from im.core.errors import Code
from im.proto import base_pb2, chat_pb2, presence_pb2, session_pb2, sync_pb2
from im.test.client import server
from im.test.client.cases import ClientTestCase
from im.wire.codec import pack


class ConnectionTests(ClientTestCase):
    """Getting and staying online."""

    def test_it_logs_in_and_says_so(self) -> None:
        self.start()
        self.assertEqual(self.statuses, [Status.CONNECTING, Status.ONLINE])
        self.assertEqual((self.client.user, self.client.device), ("alice", "phone-1"))

    def test_it_comes_back_after_a_lost_connection(self) -> None:
        self.start()
        self.node.connection.end()
        self.node.turns()
        self.assertIs(self.client.status.status, Status.WAITING)
        self.node.wait(1.0)
        self.assertIs(self.client.status.status, Status.ONLINE)
        self.assertEqual(len(self.node.connections), 2)

    def test_waits_between_rounds_grow_and_are_bounded(self) -> None:
        self.node.refusing = {"tcp:a:1"}
        waits: list[float] = []

        def note(status: ClientStatus) -> None:
            if status.status is Status.WAITING:
                waits.append(status.retry_in)

        self.client.on_state(note)
        self.start()
        self.node.wait(300.0)
        self.assertLess(waits[0], 0.5)
        self.assertGreater(waits[-1], 15.0)
        self.assertLessEqual(max(waits), 30.0)

    def test_it_falls_back_to_the_next_address(self) -> None:
        self.node.refusing = {"tcp:a:1"}
        self.client = self.make(addresses=("tcp:a:1", "tcp:b:1"))
        self.start()
        self.assertEqual(self.node.dialled, ["tcp:a:1", "tcp:b:1"])
        self.assertIs(self.client.status.status, Status.ONLINE)

    def test_an_address_that_never_lets_us_in_is_tried_last(self) -> None:
        self.node.answers[session_pb2.OnlineMessage] = lambda _: None
        self.client = self.make(addresses=("tcp:a:1", "tcp:b:1"))
        self.start()
        self.node.wait(17.0)
        self.assertEqual(self.node.dialled[:2], ["tcp:a:1", "tcp:b:1"])

    def test_a_close_names_another_node_and_a_wait(self) -> None:
        self.start()
        close = base_pb2.Close(name="draining", reconnect=True, retry_after_ms=3_000, alternate="tcp:c:1")
        self.node.push(pack(close))
        self.node.wait(2.9)
        self.assertEqual(len(self.node.dialled), 1)
        self.node.wait(1.0)
        self.assertEqual(self.node.dialled[1], "tcp:c:1")

    def test_a_close_may_not_lead_from_encrypted_to_plain(self) -> None:
        self.client = self.make(addresses=("tls:a:1",))
        self.start()
        self.node.push(pack(base_pb2.Close(name="draining", reconnect=True, alternate="tcp:evil:1")))
        self.node.wait(2.0)
        self.assertEqual(self.node.dialled, ["tls:a:1", "tls:a:1"])

    def test_told_to_stay_away_it_stays_until_it_is_started_again(self) -> None:
        self.start()
        self.node.push(pack(base_pb2.Close(name="displaced", text="elsewhere", reconnect=False)))
        self.node.wait(100.0)
        self.assertEqual(self.client.status, ClientStatus(Status.AWAY, "displaced: elsewhere"))
        self.assertEqual(len(self.node.dialled), 1)
        self.start()
        self.assertIs(self.client.status.status, Status.ONLINE)

    def test_a_token_that_ends_during_the_session_is_made_anew(self) -> None:
        made: list[str] = []

        def token() -> Deferred[str]:
            made.append(f"token {len(made)}")
            fresh: Deferred[str] = Deferred()
            self.node.clock.callLater(0.1, fresh.callback, made[-1])
            return fresh

        self.client = self.make(token)
        self.client.start()
        self.node.wait(1.0)
        self.node.push(pack(base_pb2.Close(name="expired", reconnect=False)))
        self.node.wait(2.0)
        logins = [each.token for each in self.node.asked if isinstance(each, session_pb2.OnlineMessage)]
        self.assertEqual(logins, ["token 0", "token 1"])

    def test_a_silent_server_is_given_up(self) -> None:
        self.start()
        self.node.answers.clear()
        self.node.wait(46.0)
        self.assertEqual(len(self.node.connections), 2)

    def test_a_token_that_cannot_be_made_is_asked_for_again(self) -> None:
        answers: list[str] = ["secret"]

        def token() -> str:
            if len(answers) == 1:
                answers.append("")
                raise OSError("no token now")
            return answers[0]

        self.client = self.make(token)
        self.client.start()
        self.node.wait(1.0)
        self.assertIs(self.client.status.status, Status.ONLINE)


class SendingTests(ClientTestCase):
    """Sending and asking."""

    def test_a_send_fires_when_it_is_stored(self) -> None:
        self.start()
        sent = self.client.send(server.CHAT, "hello")
        self.assertNoResult(sent)
        self.node.turns()
        stored = self.successResultOf(sent)
        self.assertEqual((stored.conversation, stored.seq, stored.server_time_ms), (server.CHAT, 1, 1))

    def test_a_send_survives_reconnects(self) -> None:
        unknown: list[Any] = []
        self.client.on_send(unknown.append)
        self.start()
        store = self.node.answers.pop(chat_pb2.Chat)
        sent = self.client.send(server.CHAT, "hello")
        self.node.connection.end()
        self.node.turns()
        self.assertEqual([type(each) for each in unknown], [SendUnknown])
        self.node.answers[chat_pb2.Chat] = store
        self.node.wait(1.0)
        self.successResultOf(sent)
        keys = {each.client_msg_id for each in self.node.asked if isinstance(each, chat_pb2.Chat)}
        self.assertEqual(len(keys), 1)
        self.assertEqual([type(each) for each in unknown], [SendUnknown, Sent])

    def test_a_send_to_a_user_before_the_first_login_waits_for_it(self) -> None:
        sent = self.client.send_to("bob", "hello")
        self.start()
        self.assertEqual(self.successResultOf(sent).conversation, server.CHAT)

    def test_a_refused_send_fails_with_its_own_error(self) -> None:
        self.start()
        self.node.answers[chat_pb2.Chat] = lambda _: base_pb2.Error(code=Code.CONFLICT, name="conflict")
        sent = self.client.send(server.CHAT, "hello")
        self.node.turns()
        self.assertEqual(self.failureResultOf(sent, ConflictError).value.label, "conflict")

    def test_cancelling_a_send_forgets_only_the_deferred(self) -> None:
        self.start()
        sent = self.client.send(server.CHAT, "hello")
        sent.cancel()
        self.failureResultOf(sent)
        self.node.turns()
        self.assertEqual((self.node.seq, self.client.unsent), (1, 0))

    def test_reading_fires_with_where_the_cursor_stands(self) -> None:
        self.start()
        moved = self.client.read(server.CHAT, 2)
        self.node.turns()
        self.assertEqual(self.successResultOf(moved), CursorMoved(server.CHAT, "alice", 2, 3, 1))

    def test_history_goes_backward_from_the_head_or_from_a_seq(self) -> None:
        self.node.answers[sync_pb2.Pull] = lambda _: server.page(
            server.entry(4, "alice"),
            server.entry(5, "alice"),
            server.entry(6, "alice"),
            head_seq=6,
            more=True,
            peer_read_seq=4,
            peer_delivered_seq=5,
        )
        self.start()
        page, older = self.client.history(server.CHAT), self.client.history(server.CHAT, before=4, limit=3)
        self.node.turns()
        self.successResultOf(older)
        shown = self.successResultOf(page)
        self.assertEqual([each.text for each in shown.messages], ["text 4", "text 5", "text 6"])
        self.assertEqual([shown.mark(each) for each in shown.messages], ["read", "delivered", "sent"])
        pulls = [each for each in self.node.asked if isinstance(each, sync_pb2.Pull)]
        self.assertEqual(
            [(each.from_seq, each.backward, each.limit) for each in pulls], [(0, True, 50), (3, True, 3)]
        )

    def test_nothing_is_before_the_first_message(self) -> None:
        self.assertEqual(self.successResultOf(self.client.history(server.CHAT, before=1)).messages, [])

    def test_heads_and_unread_are_as_new_as_the_question(self) -> None:
        self.start()
        heads, unread = self.client.heads(), self.client.unread()
        self.node.turns()
        self.assertEqual([each.unread for each in self.successResultOf(heads)], [4])
        self.assertEqual(self.successResultOf(unread), 4)

    def test_what_is_muted_is_not_in_the_number_of_a_badge(self) -> None:
        self.start()
        head = server.head(unread=4)
        head.contact.muted = True
        self.node.answers[sync_pb2.Sync] = lambda _: server.sync_result(head, position=2)
        unread = self.client.unread()
        self.node.turns()
        self.assertEqual(self.successResultOf(unread), 0)

    def test_who_is_watched_is_told_and_kept(self) -> None:
        self.start()
        bob = presence_pb2.Presence(user="bob")
        self.node.answers[presence_pb2.Watch] = lambda _: presence_pb2.Watched(users=[bob])
        self.node.answers[presence_pb2.Unwatch] = lambda _: base_pb2.Ok()
        told: list[Presence] = []
        self.client.on_presence(told.append)
        watched = self.client.watch(["bob"])
        self.node.turns()
        self.assertEqual(self.successResultOf(watched), [Presence("bob")])
        self.node.push(pack(presence_pb2.Presence(user="bob", last_seen_ms=7)))
        self.node.turns()
        self.assertEqual((told[-1], self.client.presence("bob")), (Presence("bob", (), 7),) * 2)
        self.client.unwatch(["bob"])
        self.node.turns()
        self.assertEqual(self.node.times_asked(presence_pb2.Unwatch), 1)
        self.assertIsNone(self.client.presence("bob"))

    def test_profiles_are_read_and_written(self) -> None:
        self.start()
        theirs, mine = self.client.profile("bob"), self.client.set_profile(name="", fields={"a": "b"})
        self.node.turns()
        self.assertEqual(self.successResultOf(theirs).name, "Bob")
        self.assertEqual(self.successResultOf(mine).fields, {"a": "b"})
        written = next(each for each in self.node.asked if isinstance(each, session_pb2.SetProfile))
        self.assertTrue(written.HasField("name"))
        self.assertFalse(written.HasField("avatar"))

    def test_a_push_token_is_registered(self) -> None:
        self.start()
        self.node.answers[session_pb2.RegisterPushToken] = lambda _: base_pb2.Ok()
        registered = self.client.register_push_token("fcm", "t-1")
        self.node.turns()
        self.assertIsNone(self.successResultOf(registered))
        (asked,) = (each for each in self.node.asked if isinstance(each, session_pb2.RegisterPushToken))
        self.assertEqual((asked.platform, asked.token), ("fcm", "t-1"))

    def test_a_refused_question_fails(self) -> None:
        self.start()
        self.node.answers[session_pb2.GetProfile] = lambda _: base_pb2.Error(
            code=Code.NOT_FOUND, name="not_found"
        )
        theirs = self.client.profile("nobody")
        self.node.turns()
        self.failureResultOf(theirs, NotFoundError)


class StopTests(ClientTestCase):
    """Stopping leaves nothing running and nobody waiting."""

    def test_it_logs_out(self) -> None:
        self.start()
        self.stop()
        self.assertEqual(self.node.times_asked(session_pb2.Logout), 1)
        self.assertTrue(self.node.connection.is_over)

    def test_without_a_logout_it_acknowledges_and_goes(self) -> None:
        self.client.on_message(lambda message: None)
        self.start()
        self.node.push(server.deliver(1))
        self.node.push(server.deliver(2))
        stopped = self.client.stop(log_out=False)
        self.node.turns()
        self.successResultOf(stopped)
        self.assertEqual(self.node.times_asked(session_pb2.Logout), 0)
        acks = [each.seq for each in self.node.asked if isinstance(each, chat_pb2.DeliverAck)]
        self.assertEqual(acks[-1], 2)
        self.assertTrue(self.node.connection.is_over)

    def test_a_server_that_does_not_say_goodbye_is_left(self) -> None:
        self.start()
        self.node.answers.clear()
        self.stop()

    def test_acknowledgements_go_out_first(self) -> None:
        self.client.on_message(lambda message: None)
        self.start()
        self.node.push(server.deliver(1))
        self.node.push(server.deliver(2))
        self.stop()
        acks = [each.seq for each in self.node.asked if isinstance(each, chat_pb2.DeliverAck)]
        self.assertEqual(acks[-1], 2)

    def test_it_stops_while_it_waits_to_reconnect(self) -> None:
        self.node.refusing = {"tcp:a:1"}
        self.start()
        self.stop()

    def test_it_stops_while_it_logs_in(self) -> None:
        self.node.answers.clear()
        self.start()
        self.stop()

    def test_it_stops_before_it_was_started(self) -> None:
        self.stop()
        self.assertRaises(ClientStoppedError, self.client.start)

    def test_who_waits_is_told_and_unsent_messages_are_kept(self) -> None:
        sent, to, heads = (
            self.client.send(server.CHAT, "hello"),
            self.client.send_to("bob", "hello"),
            self.client.heads(),
        )
        self.stop()
        for each in (sent, to, heads):
            self.failureResultOf(each, ClientStoppedError)
        self.assertEqual(len(self.state.load().unsent), 1)

    def test_a_stopped_client_takes_nothing(self) -> None:
        self.stop()
        for each in (
            self.client.send(server.CHAT, "x"),
            self.client.send_to("bob", "x"),
            self.client.heads(),
        ):
            self.failureResultOf(each, ClientStoppedError)

    def test_the_next_client_of_the_state_sends_what_was_left(self) -> None:
        self.client.send(server.CHAT, "hello").addErrback(lambda _: None)
        self.stop()
        self.client = self.make()
        self.start()
        self.assertEqual((self.node.seq, self.client.unsent), (1, 0))
