"""A chat over a client: what is said goes out, the input waits, the last word is stored."""

import io
import os
import threading
from collections.abc import Callable
from typing import Any, cast

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from im.cli.chat_lines import LONGEST_LINE, LineView, StandardInput
from im.cli.chatting import MAX_WAITING, Chat, ReadCursor
from im.cli.devices import DeviceState
from im.cli.failures import Failure
from im.cli.online import Session
from im.cli.output import Output
from im.cli.talk import Pair
from im.cli.transcript import Transcript
from im.client.client import Client
from im.client.core.events import Message, Pushed, Sent
from im.client.core.state import Unsent
from im.client.errors import ClientStoppedError, OutboxFullError
from im.client.settings import ClientStatus, HistoryPage, Status
from im.core.messages import Head
from im.core.presence import OnlineDevice, Presence

HERE = "d~alice~bob"
CAROLS = "d~alice~carol"
THERE = HistoryPage([Message(CAROLS, "e", 7, 1, "carol", b"", 1_000, b"long ago")], False, 7, 0, 0, 0)


class FakeInput:
    """Stands for stdin: the test says the lines."""

    def __init__(self) -> None:
        self.ended: Deferred[None] = Deferred()

    def listen(self, say: "Callable[[str], Deferred[None]]") -> "Deferred[None]":
        self.say = say
        return self.ended


class FakeClient:
    """Keeps what it is asked for; the test tells what happened."""

    user = "alice"

    def __init__(self) -> None:
        self.status = ClientStatus(Status.CONNECTING)
        self.sends: list[tuple[bytes, str, int]] = []
        self.reads: list[int] = []
        self.watched: list[list[str]] = []
        self.unwatched: list[list[str]] = []
        self.told_heads: Deferred[list[Head]] = succeed([])
        self.places: list[str] = []
        self.may_watch = True
        self.asked: Deferred[HistoryPage] = Deferred()
        self.error: Exception | None = None
        self._states: list[Callable[[ClientStatus], None]] = []

    def on_state(self, observer: Callable[[ClientStatus], None]) -> None:
        self._states.append(observer)

    def on_message(self, observer: Callable[[Message], Any]) -> None:
        self.tell_message = observer

    def on_send(self, observer: Callable[[Any], None]) -> None:
        self.tell_send = observer

    def on_cursor(self, observer: Callable[[Any], None]) -> None:
        self.tell_cursor = observer

    def on_head(self, observer: Callable[[Any], None]) -> None:
        self.tell_head = observer

    def on_event(self, observer: Callable[[Pushed], None]) -> None:
        self.tell_push = observer

    def on_presence(self, observer: Callable[[Presence], None]) -> None:
        self.tell_presence = observer

    def unwatch(self, users: list[str]) -> None:
        self.unwatched.append(users)

    def heads(self) -> "Deferred[list[Head]]":
        return self.told_heads

    def watch(self, users: list[str]) -> "Deferred[list[Presence]]":
        self.watched.append(users)
        return succeed([Presence(user) for user in users] if self.may_watch else [])

    def send(self, conversation: str, text: str, *, seen_seq: int, client_msg_id: bytes) -> "Deferred[Sent]":
        self.places.append(conversation)
        self.sends.append((client_msg_id, text, seen_seq))
        return fail(self.error) if self.error is not None else Deferred()

    def read(self, conversation: str, seq: int) -> "Deferred[None]":
        self.reads.append(seq)
        return fail(ClientStoppedError("stopped"))

    def history(self, conversation: str, limit: int) -> "Deferred[HistoryPage]":
        return self.asked if conversation == HERE else succeed(THERE)

    def become(self, status: Status) -> None:
        for observer in self._states:
            observer(ClientStatus(status))

    def stored(self, number: int) -> None:
        self.tell_send(Sent(HERE, self.sends[number][0], number + 1, 1_000))


class FakeDevice:
    unsent = (Unsent(HERE, b"old", 0, 1, b"from before"), Unsent("d~alice~carol", b"x", 0, 1, b"-"))


class ChatCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.begin(Pair("alice", "bob", HERE))

    def begin(self, pair: Pair) -> None:
        """A chat of a client that is not online yet."""
        self.clock, self.client, self.input = Clock(), FakeClient(), FakeInput()
        self.out, self.err = io.StringIO(), io.StringIO()
        device = cast(DeviceState, FakeDevice())
        session = Session(cast(Client, self.client), device, self.clock, "alice")
        output = Output(self.out, self.err, is_json=False)
        view = LineView(output, pair.conversation, cast(StandardInput, self.input))
        self.running = Deferred.fromCoroutine(Chat(session, pair, Transcript("alice"), view).run())

    def open(self) -> None:
        """Log in, and have what an earlier run left stored."""
        self.client.become(Status.ONLINE)
        self.client.asked.callback(HistoryPage([], False, 0, 0, 0, 0))
        self.client.tell_send(Sent(HERE, b"old", 1, 1_000))


class ChatTest(ChatCase):
    def test_whether_the_other_side_is_online_is_shown(self) -> None:
        self.open()
        self.assertEqual(self.client.watched, [["bob"]])
        self.client.tell_presence(Presence("bob", (OnlineDevice("phone", False),)))
        self.client.tell_presence(Presence("bob"))
        shown = self.out.getvalue()
        self.assertIn("-- bob online: phone (background)\n-- bob never seen\n", shown)

    def test_who_is_no_contact_yet_is_watched_after_the_first_message(self) -> None:
        self.client.may_watch = False
        self.client.become(Status.ONLINE)
        self.client.may_watch = True
        self.client.tell_send(Sent(HERE, b"old", 1, 1_000))
        self.client.tell_send(Sent(HERE, b"old", 1, 1_000))
        self.assertEqual(self.client.watched, [["bob"], ["bob"]])

    def test_what_is_pushed_is_noted(self) -> None:
        self.open()
        self.client.tell_push(Pushed(30, b'{"paid": true}'))
        self.assertIn('-- pushed: {"paid": true}\n', self.out.getvalue())

    def test_what_an_earlier_run_left_is_shown_as_waiting(self) -> None:
        self.assertIn("alice: from before  …", self.out.getvalue())
        self.assertNotIn("-\n", self.out.getvalue())

    def test_it_ends_when_the_last_word_is_stored(self) -> None:
        self.open()
        self.input.say("bye")
        self.input.ended.callback(None)
        self.assertNoResult(self.running)
        self.client.stored(0)
        self.successResultOf(self.running)

    def test_a_last_word_without_an_answer_is_a_failure(self) -> None:
        self.open()
        self.input.say("bye")
        self.input.ended.callback(None)
        self.clock.advance(10)
        failure = self.failureResultOf(self.running, Failure).value
        assert isinstance(failure, Failure)
        self.assertEqual((failure.status, failure.code), (3, "unknown"))

    def test_it_waits_for_the_history_before_it_ends(self) -> None:
        self.client.tell_send(Sent(HERE, b"old", 1, 1_000))
        self.input.ended.callback(None)
        self.client.become(Status.ONLINE)
        self.assertNoResult(self.running)
        page = [Message(HERE, "e", 2, 1, "bob", b"", 1_000, b"before all")]
        self.client.asked.callback(HistoryPage(page, False, 2, 0, 0, 0))
        self.successResultOf(self.running)
        self.assertIn("bob: before all", self.out.getvalue())

    def test_the_input_waits_while_too_much_is_on_its_way(self) -> None:
        self.open()
        for number in range(MAX_WAITING - 1):
            self.successResultOf(self.input.say(f"line {number}"))
        full = self.input.say("one more")
        self.assertNoResult(full)
        self.client.stored(0)
        self.successResultOf(full)

    def test_a_line_that_is_not_taken_is_marked(self) -> None:
        self.open()
        self.client.error = OutboxFullError("too many wait")
        self.input.say("no room")
        self.assertIn("no room  ✗ too many wait", self.out.getvalue())

    def test_what_is_said_tells_what_was_seen(self) -> None:
        self.open()
        self.client.tell_message(Message(HERE, "e", 5, 1, "bob", b"", 1_000, b"hi"))
        self.input.say("hi yourself")
        self.assertEqual([seen for _, _, seen in self.client.sends], [5])
        self.assertEqual(self.client.reads, [5])

    def test_how_the_connection_stands_is_told_when_it_changes(self) -> None:
        self.client.become(Status.CONNECTING)
        self.open()
        for status in (Status.WAITING, Status.CONNECTING, Status.ONLINE):
            self.client.become(status)
        told = [line for line in self.out.getvalue().splitlines() if line.startswith("-- ")]
        self.assertEqual(told, ["-- connecting…", "-- online", "-- reconnecting…", "-- online"])

    def test_who_has_left_receives_no_more(self) -> None:
        self.open()
        self.input.ended.callback(None)
        self.successResultOf(self.running)
        late = Message(HERE, "e", 9, 1, "bob", b"", 1_000, b"late")
        self.assertIsInstance(self.client.tell_message(late), Deferred)

    def test_nobody_to_show_it_to_ends_the_chat(self) -> None:
        self.open()
        self.out.close = self.out.write = self.broken  # type: ignore[assignment, method-assign]
        self.client.tell_message(Message(HERE, "e", 5, 1, "bob", b"", 1_000, b"hi"))
        self.failureResultOf(self.running, BrokenPipeError)

    def broken(self, text: str) -> int:
        raise BrokenPipeError


class OpeningTest(ChatCase):
    """What is said in one conversation after the other."""

    def test_another_conversation_is_opened_and_spoken_into(self) -> None:
        self.open()
        self.successResultOf(self.input.say("/open carol"))
        self.assertIn("-- alice with carol\n", self.out.getvalue())
        self.assertIn("carol: long ago", self.out.getvalue())
        self.input.say("hi carol")
        self.assertEqual((self.client.places, self.client.sends[0][2]), ([CAROLS], 7))
        self.assertEqual((self.client.watched, self.client.unwatched), ([["bob"], ["carol"]], [["bob"]]))

    def test_what_comes_for_the_one_before_is_noted_and_not_read(self) -> None:
        self.open()
        self.input.say("/open carol")
        reads = list(self.client.reads)
        self.client.tell_message(Message(HERE, "e", 5, 1, "bob", b"", 1_000, b"still there?"))
        self.client.tell_presence(Presence("bob"))
        self.assertTrue(self.out.getvalue().endswith("-- bob wrote to you\n"))
        self.assertEqual(self.client.reads, reads)

    def test_what_was_said_before_it_must_still_be_stored(self) -> None:
        self.open()
        self.input.say("bye")
        self.input.say("/open carol")
        shown = self.out.getvalue()
        self.input.ended.callback(None)
        self.assertNoResult(self.running)
        self.client.stored(0)
        self.successResultOf(self.running)
        self.assertEqual(self.out.getvalue(), shown, "it is not shown among what is said elsewhere")

    def test_what_is_said_while_one_is_being_opened_waits_for_it(self) -> None:
        self.open()
        self.client.told_heads = Deferred()
        self.input.say("/open carol")
        self.input.say("hi carol")
        self.assertEqual(self.client.places, [])
        self.client.told_heads.callback([])
        self.assertEqual(self.client.places, [CAROLS])

    def test_a_history_that_comes_after_one_went_elsewhere_is_not_read(self) -> None:
        self.client.become(Status.ONLINE)
        self.successResultOf(self.input.say("/open carol"))
        page = [Message(HERE, "e", 3, 1, "bob", b"", 1_000, b"unseen")]
        self.client.asked.callback(HistoryPage(page, False, 3, 0, 0, 0))
        self.assertNotIn("unseen", self.out.getvalue())
        self.assertEqual(self.client.reads, [7])

    def test_one_that_is_opened_again_is_shown_with_what_was_there(self) -> None:
        self.open()
        self.input.say("/open carol")
        self.client.asked = succeed(HistoryPage([], False, 0, 0, 0, 0))
        self.out.truncate(0)
        self.input.say("/open bob")
        self.assertIn("alice: from before", self.out.getvalue())

    def test_two_slashes_say_one(self) -> None:
        self.open()
        self.input.say("//open")
        self.assertEqual([text for _, text, _ in self.client.sends], ["/open"])

    def test_without_anybody_it_begins_with_the_contacts_and_says_nothing(self) -> None:
        self.begin(Pair("alice", "", ""))
        self.client.become(Status.ONLINE)
        self.assertIn("-- " + "0".rjust(6) + "  unread\n", self.out.getvalue())
        self.successResultOf(self.input.say("hello?"))
        self.assertIn("nobody is here", self.out.getvalue())
        self.assertEqual((self.client.sends, self.client.watched), ([], []))
        self.input.ended.callback(None)
        self.successResultOf(self.running)


class ReadCursorTest(SynchronousTestCase):
    def test_one_request_at_a_time_and_only_forward(self) -> None:
        moves: list[tuple[int, Deferred[None]]] = []

        def move(seq: int) -> "Deferred[None]":
            moves.append((seq, Deferred()))
            return moves[-1][1]

        cursor = ReadCursor(move)
        for seq in (1, 2, 3, 2):
            cursor.to(seq)
        self.assertEqual([seq for seq, _ in moves], [1])
        moves[0][1].callback(None)
        self.assertEqual([seq for seq, _ in moves], [1, 3])
        moves[1][1].callback(None)
        cursor.to(3)
        self.assertEqual(len(moves), 2)


class StandardInputTest(TestCase):
    def read(self, data: bytes) -> "Deferred[list[str]]":
        """The lines of a pipe that gets `data`, then its end."""
        from twisted.internet import reactor

        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        lines: list[str] = []

        def say(line: str) -> "Deferred[None]":
            lines.append(line)
            return _soon(reactor)

        def write() -> None:
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(data)

        writer = threading.Thread(target=write)
        writer.start()
        self.addCleanup(writer.join)
        return StandardInput(reactor, reading).listen(say).addCallback(lambda _: lines)

    async def test_lines_come_one_after_the_other(self) -> None:
        self.assertEqual(await self.read("a\n\n \nzwölf\r\nlast".encode()), ["a", "zwölf", "last"])

    async def test_what_is_not_utf8_is_replaced(self) -> None:
        self.assertEqual(await self.read(b"a\xffb\n"), ["a\ufffdb"])

    async def test_a_line_without_an_end_is_cut(self) -> None:
        lines = await self.read(b"x" * (2 * LONGEST_LINE))
        self.assertEqual(sum(len(line) for line in lines), 2 * LONGEST_LINE)
        self.assertLess(max(len(line) for line in lines), LONGEST_LINE + 8_192)


def _soon(reactor: Any) -> "Deferred[None]":
    soon: Deferred[None] = Deferred()
    reactor.callLater(0, soon.callback, None)
    return soon
