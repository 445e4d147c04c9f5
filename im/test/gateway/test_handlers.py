"""The system's own types: what is checked, asked, and answered."""

from google.protobuf.message import Message
from twisted.trial.unittest import SynchronousTestCase

from im.core.commands import Command, GetProfile, ProfileRecord, Result, SetProfile
from im.core.errors import Code, Refused
from im.core.limits import Limits
from im.core.messages import (
    CursorMoved,
    Entry,
    Head,
    MoveDelivered,
    MoveRead,
    Pull,
    PullPage,
    Send,
    Sent,
    Sync,
    SyncCursor,
    SyncPage,
)
from im.core.reaching import PushTokens, RegisterPushToken
from im.core.relations import Contact
from im.core.sessions import State
from im.proto import base_pb2, chat_pb2, session_pb2, sync_pb2
from im.test.gateway.world import DIRECT, World, close_of

ID = b"0123456789abcdef"
ENTRY = Entry(3, 2, 1, "bob", ID, 77, b"hi")
DOWN = Refused(Code.UNAVAILABLE, "down")


def chat(**fields: object) -> chat_pb2.Chat:
    right = {"conversation": DIRECT, "client_msg_id": ID, "kind": 1, "content": b"hello"}
    return chat_pb2.Chat(**(right | fields))  # type: ignore[arg-type]


class HandlerCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.client = self.world.log_in()
        self.bridge = self.world.bridge

    def ask(self, body: Message, result: Result, request_id: int = 8) -> tuple[Command, Message]:
        """Send a request and answer it; the command it became, and the answer."""
        self.bridge.is_manual = True
        self.client.send(body, request_id)
        self.assertEqual(self.client.received(), [])
        command = self.bridge.take(result)
        ((got_id, answer),) = self.client.received()
        self.assertEqual(got_id, request_id)
        return command, answer

    def refused(self, body: Message) -> tuple[str, str]:
        """The code and the field of a request that never reaches the business layer."""
        self.client.send(body, 8)
        error = self.client.only(base_pb2.Error)
        self.assertEqual(self.bridge.requests, [])
        return error.name, error.field

    def assert_passes_refusals_on(self, body: Message) -> None:
        _, answer = self.ask(body, Refused(Code.UNAVAILABLE, "down", "f", 250))
        assert isinstance(answer, base_pb2.Error)
        shown = (answer.name, answer.text, answer.field, answer.retryable, answer.retry_after_ms)
        self.assertEqual(shown, ("unavailable", "down", "f", True, 250))


class ChatTests(HandlerCase):
    def test_a_message_is_acknowledged_when_it_is_stored(self) -> None:
        sent = Sent(DIRECT, 5, 4, 99, "e1", False)
        command, ack = self.ask(chat(after=b"x" * 16, seen_seq=4), sent)
        self.assertEqual(command, Send(DIRECT, "alice", "a1", ID, b"x" * 16, 4, 1, b"hello"))
        assert isinstance(ack, chat_pb2.SendAck)
        self.assertEqual((ack.conversation, ack.seq, ack.server_time_ms, ack.epoch), (DIRECT, 5, 99, "e1"))

    def test_a_refusal_of_the_business_layer_is_passed_on(self) -> None:
        self.assert_passes_refusals_on(chat())

    def test_each_wrong_field_is_named(self) -> None:
        cases: list[tuple[dict[str, object], str]] = [
            ({"client_msg_id": b"short"}, "client_msg_id"),
            ({"after": b"short"}, "after"),
            ({"after": ID}, "after"),
            ({"kind": 0}, "kind"),
            ({"kind": 100}, "kind"),
            ({"seen_seq": 2**63}, "seen_seq"),
            ({"content": b""}, "content"),
            ({"content": b"a\0b"}, "content"),
            ({"content": b"\xff"}, "content"),
            ({"content": b"x" * 32_769}, "content"),
            ({"conversation": "d~alice~alice"}, "conversation"),
            ({"conversation": "d~bob~alice"}, "conversation"),
            ({"conversation": "d~alice~b ob"}, "conversation"),
            ({"conversation": ""}, "conversation"),
        ]
        for fields, field in cases:
            self.assertEqual(self.refused(chat(**fields)), ("invalid_argument", field), fields)

    def test_the_conversations_of_others_do_not_exist(self) -> None:
        for conversation in ("d~bob~carol", "i~bob"):
            self.assertEqual(self.refused(chat(conversation=conversation)), ("not_found", "conversation"))

    def test_nobody_writes_to_an_inbox(self) -> None:
        self.assertEqual(self.refused(chat(conversation="i~alice"))[0], "permission_denied")

    def test_other_kinds_carry_any_bytes(self) -> None:
        command, _ = self.ask(chat(kind=40, content=b"\xff\0"), Sent(DIRECT, 5, 4, 99, "e1", False))
        assert isinstance(command, Send)
        self.assertEqual(command.content, b"\xff\0")

    def test_too_many_unanswered_sends_are_refused_until_one_is_answered(self) -> None:
        world = World(Limits(sends_in_flight=2))
        client = world.log_in()
        for request_id in (1, 2, 3):
            client.send(chat(), request_id)
        ((request_id, error),) = client.received()
        assert isinstance(error, base_pb2.Error)
        self.assertEqual((request_id, error.name, error.retryable), (3, "rate_limited", True))
        self.assertGreater(error.retry_after_ms, 0)
        world.bridge.take(DOWN)
        client.received()
        client.send(chat(), 4)
        self.assertEqual((client.received(), len(world.bridge.requests)), ([], 2))

    def test_a_business_layer_that_is_silent_means_try_again(self) -> None:
        self.client.send(chat(), 8)
        self.world.pass_seconds(4.9)
        self.assertEqual(self.client.received(), [])
        self.world.pass_seconds(2)
        error = self.client.only(base_pb2.Error)
        self.assertEqual((error.name, error.retryable), ("unavailable", True))
        self.assertEqual(self.client.connection.in_flight, 0)
        self.bridge.take(Sent(DIRECT, 5, 4, 99, "e1", False))
        self.assertEqual(self.client.received(), [])
        self.assertEqual(self.world.node.counters.timeouts, 1)

    def test_a_node_with_too_many_waiting_requests_refuses_more(self) -> None:
        world = World(Limits(requests_in_flight=1))
        client = world.log_in()
        client.send(chat(), 1)
        client.send(chat(), 2)
        ((request_id, error),) = client.received()
        assert isinstance(error, base_pb2.Error)
        self.assertEqual((request_id, error.name), (2, "unavailable"))

    def test_an_answer_after_the_end_goes_nowhere(self) -> None:
        self.client.send(chat(), 1)
        self.client.connection.connection_lost("reset")
        self.bridge.take(Sent(DIRECT, 5, 4, 99, "e1", False))
        self.assertEqual(self.client.received(), [])

    def test_a_request_without_an_id_gets_no_answer_but_an_error(self) -> None:
        self.client.send(chat(), 0)
        self.bridge.take(Sent(DIRECT, 5, 4, 99, "e1", False))
        self.assertEqual(self.client.received(), [])
        self.client.send(chat(), 0)
        self.bridge.take(DOWN)
        self.assertEqual(self.client.only(base_pb2.Error).name, "unavailable")


class PushTokenTests(HandlerCase):
    def test_the_session_s_device_is_reached_by_it(self) -> None:
        command, answer = self.ask(
            session_pb2.RegisterPushToken(platform="fcm", token="t-1"), PushTokens("alice", ())
        )
        assert isinstance(command, RegisterPushToken)
        self.assertEqual(("alice", "fcm", "t-1"), (command.user, command.platform, command.token))
        self.assertEqual(answer, base_pb2.Ok())

    def test_what_is_no_token_is_refused_at_once(self) -> None:
        for platform, token, field in (("", "t", "platform"), ("fcm", "a b", "token")):
            body = session_pb2.RegisterPushToken(platform=platform, token=token)
            self.assertEqual(self.refused(body), ("invalid_argument", field))

    def test_what_the_store_says_is_told(self) -> None:
        _, answer = self.ask(session_pb2.RegisterPushToken(platform="fcm", token="t"), DOWN)
        assert isinstance(answer, base_pb2.Error)
        self.assertEqual(answer.name, "unavailable")


class DeliverAckTests(HandlerCase):
    def ack(self, seq: int, conversation: str = DIRECT) -> None:
        self.client.send(chat_pb2.DeliverAck(conversation=conversation, seq=seq))

    def moves(self) -> list[MoveDelivered]:
        requests, self.bridge.requests = self.bridge.requests, []
        return [request.command for request in requests if isinstance(request.command, MoveDelivered)]

    def test_many_acknowledgements_become_one_write_a_second(self) -> None:
        for seq in (1, 2, 3, 2):
            self.ack(seq)
        self.assertEqual(self.moves(), [])
        self.world.pass_seconds(1.2)
        self.assertEqual(self.moves(), [MoveDelivered(DIRECT, "alice", 3)])
        self.world.pass_seconds(3)
        self.assertEqual(self.moves(), [])

    def test_it_says_whether_the_app_was_in_the_foreground(self) -> None:
        self.client.send(session_pb2.Heartbeat(app_state=session_pb2.BACKGROUND))
        self.ack(2)
        self.client.send(session_pb2.Heartbeat(app_state=session_pb2.FOREGROUND))
        self.ack(1)
        self.world.pass_seconds(1.2)
        expected = [MoveDelivered(DIRECT, "alice", 2, "", False), MoveDelivered(DIRECT, "alice", 1)]
        self.assertEqual(self.moves(), expected)

    def test_a_write_that_fails_for_the_moment_is_repeated(self) -> None:
        self.ack(3)
        self.world.pass_seconds(1.2)
        self.bridge.take(DOWN)
        self.world.pass_seconds(1.2)
        self.assertEqual(self.moves(), [MoveDelivered(DIRECT, "alice", 3)])

    def test_a_write_is_not_repeated_for_good_reason_or_for_those_who_left(self) -> None:
        self.ack(3)
        self.world.pass_seconds(1.2)
        self.bridge.take(Refused(Code.NOT_FOUND, "no"))
        self.ack(4)
        self.world.pass_seconds(1.2)
        self.client.send(session_pb2.Logout())
        self.bridge.take(DOWN)
        self.world.pass_seconds(3)
        self.assertEqual(self.moves(), [])

    def test_acknowledgements_for_the_conversations_of_others_are_refused(self) -> None:
        self.ack(1, "d~bob~carol")
        self.assertEqual(self.client.only(base_pb2.Error).name, "not_found")
        self.ack(2**63)
        self.assertEqual(self.client.only(base_pb2.Error).field, "seq")
        self.world.pass_seconds(1.2)
        self.assertEqual(self.moves(), [])


class ReadTests(HandlerCase):
    def test_the_answer_is_where_the_cursors_stand(self) -> None:
        moved = CursorMoved(DIRECT, "alice", 4, 6, 2, True)
        command, cursor = self.ask(chat_pb2.Read(conversation=DIRECT, seq=4), moved)
        self.assertEqual(command, MoveRead(DIRECT, "alice", 4))
        assert isinstance(cursor, chat_pb2.Cursor)
        shown = (cursor.user, cursor.read_seq, cursor.delivered_seq, cursor.unread)
        self.assertEqual(shown, ("alice", 4, 6, 2))

    def test_wrong_requests_are_refused(self) -> None:
        self.assertEqual(self.refused(chat_pb2.Read(conversation="d~b~c", seq=1))[0], "not_found")
        self.assertEqual(self.refused(chat_pb2.Read(conversation=DIRECT, seq=2**63))[1], "seq")

    def test_a_refusal_of_the_business_layer_is_passed_on(self) -> None:
        self.assert_passes_refusals_on(chat_pb2.Read(conversation=DIRECT, seq=4))


class PageTests(HandlerCase):
    page = PullPage(DIRECT, "e1", [ENTRY], 1, 9, True, 2, 3, 4, 5, True)

    def test_a_page_carries_entries_and_where_the_user_stands(self) -> None:
        command, page = self.ask(sync_pb2.Pull(conversation=DIRECT, from_seq=3, limit=9_999), self.page)
        self.assertEqual(command, Pull(DIRECT, "alice", 3, False, 200))
        assert isinstance(page, sync_pb2.Page)
        (entry,) = page.entries
        shown = (entry.seq, entry.n, entry.kind, entry.sender, entry.client_msg_id, entry.server_time_ms)
        self.assertEqual(shown, (3, 2, 1, "bob", ID, 77))
        numbers = (page.visible_from, page.head_seq, page.member_version, page.read_seq)
        self.assertEqual(numbers, (1, 9, 2, 3))
        self.assertEqual((page.peer_read_seq, page.peer_delivered_seq), (4, 5))
        self.assertTrue(page.active and page.more)

    def test_the_limit_and_the_direction_of_the_client_are_kept(self) -> None:
        body = sync_pb2.Pull(conversation="i~alice", backward=True, limit=7)
        command, _ = self.ask(body, self.page)
        self.assertEqual(command, Pull("i~alice", "alice", 0, True, 7))

    def test_wrong_pulls_are_refused(self) -> None:
        self.assertEqual(self.refused(sync_pb2.Pull(conversation="d~b~c"))[0], "not_found")
        self.assertEqual(self.refused(sync_pb2.Pull(conversation=DIRECT, from_seq=2**63))[1], "from_seq")

    def test_few_pages_may_be_asked_for_at_once(self) -> None:
        pull = sync_pb2.Pull(conversation=DIRECT)
        for request_id in range(1, 6):
            self.client.send(pull, request_id)
        ((request_id, error),) = self.client.received()
        assert isinstance(error, base_pb2.Error)
        self.assertEqual((request_id, error.name), (5, "rate_limited"))
        self.bridge.take(DOWN)
        self.client.received()
        self.client.send(pull, 6)
        self.assertEqual(len(self.bridge.requests), 4)

    def test_a_sync_carries_heads_cursor_and_the_next_page(self) -> None:
        contact = Contact("the boss", pinned=True, relation="friend")
        head = Head(DIRECT, 9, 8, 77, 2, 3, 4, 1, True, 5, 6, 7, 8, ENTRY, contact)
        empty = head._replace(conversation="i~alice", last=None)
        page = SyncPage(SyncCursor("e2", 11), [head, empty], "more")
        body = sync_pb2.Sync(cursor=sync_pb2.SyncCursor(epoch="e1", position=5), after="here")
        command, result = self.ask(body, page)
        self.assertEqual(command, Sync("alice", SyncCursor("e1", 5), "here"))
        assert isinstance(result, sync_pb2.SyncResult)
        self.assertEqual((result.cursor.epoch, result.cursor.position, result.next), ("e2", 11, "more"))
        first, second = result.heads
        for field in Head._fields[: Head._fields.index("last")]:
            self.assertEqual(getattr(first, field), getattr(head, field), field)
        self.assertEqual((first.last.seq, second.HasField("last")), (3, False))
        for field in Contact._fields:
            self.assertEqual(getattr(first.contact, field), getattr(contact, field), field)

    def test_a_sync_without_a_cursor_asks_for_everything(self) -> None:
        command, _ = self.ask(sync_pb2.Sync(), SyncPage(SyncCursor("e1", 1), [], ""))
        self.assertEqual(command, Sync("alice", None, ""))

    def test_wrong_syncs_are_refused(self) -> None:
        self.assertEqual(self.refused(sync_pb2.Sync(after="x" * 301))[1], "after")
        self.assertEqual(self.refused(sync_pb2.Sync(after="a\0"))[1], "after")
        cursor = sync_pb2.SyncCursor(position=2**63)
        self.assertEqual(self.refused(sync_pb2.Sync(cursor=cursor))[1], "cursor")

    def test_refusals_of_the_business_layer_are_passed_on(self) -> None:
        self.assert_passes_refusals_on(sync_pb2.Pull(conversation=DIRECT))
        self.assert_passes_refusals_on(sync_pb2.Sync())
        self.assertEqual(self.client.connection.pages_in_flight, 0)


class ProfileTests(HandlerCase):
    record = ProfileRecord("bob", "Bob", "pic", {"city": "Bern"})

    def test_anybodys_profile_can_be_seen(self) -> None:
        command, profile = self.ask(session_pb2.GetProfile(user="bob"), self.record)
        self.assertEqual(command, GetProfile("bob"))
        assert isinstance(profile, session_pb2.Profile)
        shown = (profile.user, profile.name, profile.avatar, dict(profile.fields))
        self.assertEqual(shown, ("bob", "Bob", "pic", {"city": "Bern"}))

    def test_an_absent_field_is_left_and_an_empty_one_is_set(self) -> None:
        command, _ = self.ask(session_pb2.SetProfile(name="", fields={"a": ""}), self.record)
        self.assertEqual(command, SetProfile("alice", "", None, {"a": ""}))
        command, _ = self.ask(session_pb2.SetProfile(avatar="x"), self.record)
        self.assertEqual(command, SetProfile("alice", None, "x", {}))

    def test_a_profile_asked_for_without_a_name_is_ones_own(self) -> None:
        command, _ = self.ask(session_pb2.GetProfile(), self.record)
        self.assertEqual(command, GetProfile("alice"))

    def test_wrong_profiles_are_refused(self) -> None:
        self.assertEqual(self.refused(session_pb2.GetProfile(user="a b"))[1], "user")
        self.assertEqual(self.refused(session_pb2.SetProfile(name="a\0"))[1], "fields")
        self.assertEqual(self.refused(session_pb2.SetProfile(fields={"": "x"}))[1], "fields")
        self.assertEqual(self.refused(session_pb2.SetProfile(name="é" * 2_100))[1], "fields")

    def test_a_refusal_of_the_business_layer_is_passed_on(self) -> None:
        self.assert_passes_refusals_on(session_pb2.GetProfile(user="bob"))


class LogoutTests(HandlerCase):
    def test_the_close_frame_is_the_answer_and_says_stay_away(self) -> None:
        self.client.send(session_pb2.Logout(), 8)
        close = close_of(self.client)
        self.assertEqual((close.name, close.reconnect), ("logged_out", False))
        self.assertIs(self.client.connection.state, State.CLOSING)
        self.assertEqual(self.successResultOf(self.world.registry.sessions(None)), [])
