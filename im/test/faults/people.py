"""People with the real client, who chat at a pace and note everything in a history."""

import itertools
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, Protocol

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from im.client import (
    Client,
    ClientSettings,
    ClientStatus,
    ClientStoppedError,
    CursorMoved,
    MemoryState,
    Message,
    RequestTimeoutError,
    SendFailed,
    Sent,
    ServerError,
    SqliteState,
    Status,
    Timing,
)
from im.client.core.events import SendState
from im.core.ids import direct_conversation, uuid7
from im.core.messages import Entry
from im.test.faults.nodes import Served, Stored, until
from im.testing.history import History, Outcome, Verdict

SETTLE_SECONDS = 60.0
READ_EVERY = 40
"""So many messages are handed to a person before they say that they have read them."""


class Around(NamedTuple):
    """What all people share."""

    reactor: Any
    node: Served
    history: History
    random: Random


class Habits(NamedTuple):
    """How people use their clients. `folder`: where these keep their state, None in memory."""

    timing: Timing = Timing()
    folder: Path | None = None


class Person:
    """One user with one client. `handed` is what it handed out, `sent` what it told is stored, in order."""

    def __init__(self, around: Around, user: str, habits: Habits) -> None:
        self.user = user
        self.handed: list[Message] = []
        self.statuses: list[ClientStatus] = []
        self.sent: list[Sent] = []
        self.refused: list[SendFailed] = []
        self.offered = 0
        self.reads_under_way = 0
        self.is_present = True
        self._around = around
        self._habits = habits
        self._seen: dict[str, int] = {}
        self._count: dict[str, int] = defaultdict(int)
        around.history.began(user, user)
        self.client = self._start()

    async def restart(self) -> None:
        """Stop the client, and start another one from what it kept."""
        self.is_present = False
        await self.client.stop()
        self.is_present = True
        self._around.history.began(self.user, self.user, continues=True)
        self.client = self._start()

    def _start(self) -> Client:
        around, (timing, folder) = self._around, self._habits
        settings = ClientSettings(
            addresses=around.node.addresses_of(self.user),
            token=around.node.token(self.user),
            state=MemoryState() if folder is None else SqliteState(folder / f"{self.user}.sqlite"),
            timing=timing,
        )
        client = Client(settings, around.reactor, random=around.random)
        client.on_message(self._on_message)
        client.on_cursor(self._on_cursor)
        client.on_send(self._on_send)
        client.on_state(self.statuses.append)
        client.start()
        return client

    @property
    def is_online(self) -> bool:
        """Whether the client is logged in, as far as it knows."""
        return self.client.status.status is Status.ONLINE

    @property
    def logins(self) -> int:
        """How often it came online."""
        return sum(each.status is Status.ONLINE for each in self.statuses)

    def send(self, peer: str, text: str) -> None:
        """Send a text to somebody; see `say`."""
        self.say(direct_conversation(self.user, peer), text)

    def say(self, conversation: str, text: str) -> None:
        """Send a text, saying what was seen; nothing while the client is being started again."""
        if not self.is_present:
            return
        around = self._around
        key = uuid7(int(around.reactor.seconds() * 1000), around.random.randbytes(10))
        seen = self._seen.get(conversation, 0)
        around.history.sending(self.user, conversation, key, text.encode(), seen)
        self.offered += 1
        self.client.send(conversation, text, seen_seq=seen, client_msg_id=key).addErrback(_is_observed)

    def read(self, conversation: str, seq: int) -> Deferred[None]:
        """Say that everything up to `seq` was seen."""
        history = self._around.history
        self._seen[conversation] = max(seq, self._seen.get(conversation, 0))
        history.reading(self.user, conversation, seq)

        def done(_: CursorMoved) -> None:
            history.read(self.user, conversation, seq)

        def settled(_: None) -> None:
            self.reads_under_way -= 1

        self.reads_under_way += 1
        return self.client.read(conversation, seq).addCallbacks(done, _gave_up).addCallback(settled)

    def _on_send(self, state: SendState) -> None:
        history = self._around.history
        if isinstance(state, Sent):
            self.sent.append(state)
            history.acknowledged(self.user, state.client_msg_id, state.conversation, state.seq)
        elif isinstance(state, SendFailed):
            self.refused.append(state)
            history.refused(self.user, state.client_msg_id, state.refusal.label)

    def note(self, message: Message) -> None:
        """Have the history know what was handed out."""
        self._around.history.handed(self.user, message.conversation, entry_of(message))

    def _on_message(self, message: Message) -> None:
        self.handed.append(message)
        self.note(message)
        self._count[message.conversation] += 1
        if self._count[message.conversation] % READ_EVERY == 0:
            self.read(message.conversation, message.seq)

    def _on_cursor(self, moved: CursorMoved) -> None:
        self._around.history.marked(
            self.user, moved.conversation, moved.user, moved.read_seq, moved.delivered_seq
        )


def entry_of(message: Message) -> Entry:
    """What a client handed out, as a store holds it, without its running count."""
    return Entry(
        message.seq,
        0,
        message.kind,
        message.sender,
        message.client_msg_id,
        message.server_time_ms,
        message.content,
    )


def _is_observed(failure: Failure) -> None:
    failure.trap(ServerError, ClientStoppedError)


def _gave_up(failure: Failure) -> None:
    failure.trap(RequestTimeoutError, ClientStoppedError)


class People:
    """Several people, and how they come to rest."""

    def __init__(self, around: Around, people: Sequence[Person]) -> None:
        self._around = around
        self.people = {person.user: person for person in people}
        self.unread: dict[tuple[str, str], int] = {}
        """What everyone's client showed at the end, by user and conversation."""

    @property
    def offered(self) -> int:
        """How many messages their clients were given to send."""
        return sum(person.offered for person in self.people.values())

    @property
    def acknowledged(self) -> int:
        """How many of these they were told are stored."""
        return sum(len(person.sent) for person in self.people.values())

    def are_online(self) -> bool:
        """Whether everyone is."""
        return all(person.is_online for person in self.people.values())

    async def settle(self) -> None:
        """Wait until everything is answered and everyone has everything, as a fresh sync says."""
        reactor = self._around.reactor
        people = self.people.values()

        def is_answered() -> bool:
            return self.are_online() and not any(person.client.unsent for person in people)

        await until(reactor, is_answered, "every answer", SETTLE_SECONDS)
        await gatherResults([Deferred.fromCoroutine(self._receive_all(person)) for person in people])
        # A sync does not wait for a read that is still on its way.
        await until(reactor, lambda: not any(each.reads_under_way for each in people), "every read")
        found = await gatherResults([person.client.heads() for person in people])
        for person, heads in zip(people, found, strict=True):
            for head in heads:
                self.unread[person.user, head.conversation] = head.unread

    def check(self, stored: Stored) -> Verdict:
        """What the history checker says of these people, after `settle` and the end of the node."""
        heads = {place: head for place, head in stored.heads.items() if place[0] in self.people}
        outcome = Outcome(stored.logs, heads, self.unread, list(self.people))
        return self._around.history.check(outcome)

    async def leave(self) -> None:
        """Stop everyone's client."""
        await gatherResults([person.client.stop() for person in self.people.values()])

    async def _receive_all(self, person: Person) -> None:
        heads = await person.client.heads()
        core = person.client._core

        def has_all() -> bool:
            return all(core.watermark(each.conversation) >= each.head_seq for each in heads)

        await until(self._around.reactor, has_all, f"all of {person.user}", SETTLE_SECONDS)


class Crowd(People):
    """People of whom `pairs` write to each other."""

    def __init__(self, around: Around, pairs: Sequence[tuple[str, str]], habits: Habits) -> None:
        users = sorted({user for pair in pairs for user in pair})
        super().__init__(around, [Person(around, user, habits) for user in users])
        self._pairs = itertools.cycle([*pairs, *(pair[::-1] for pair in pairs)])
        self._numbers = itertools.count(1)

    def send(self) -> None:
        """Let the next pair's first say something to its second."""
        sender, recipient = next(self._pairs)
        self.people[sender].send(recipient, f"{sender} {next(self._numbers)} {'x' * 64}")


class Talkative(Protocol):
    """Whose traffic it is."""

    def send(self) -> None:
        """Let somebody say something."""


class Traffic:
    """Lets people send at a rate by the clock, whatever is answered, while it is on."""

    TICK_SECONDS = 0.01

    def __init__(self, reactor: Any, crowd: Talkative, per_second: float) -> None:
        self._reactor = reactor
        self._crowd = crowd
        self._rate = per_second
        self._call: IDelayedCall | None = None
        self._began = 0.0
        self._sent = 0
        self.seconds = 0.0
        """How long it was on."""

    def start(self) -> None:
        """Begin to send."""
        self._began = self._reactor.seconds()
        self._sent = 0
        self._tick()

    def stop(self) -> None:
        """Send nothing more for now."""
        if self._call is not None:
            self._call.cancel()
            self._call = None
            self._send_due()
            self.seconds += self._reactor.seconds() - self._began

    def _tick(self) -> None:
        self._call = self._reactor.callLater(self.TICK_SECONDS, self._tick)
        self._send_due()

    def _send_due(self) -> None:
        due = int((self._reactor.seconds() - self._began) * self._rate)
        for _ in range(due - self._sent):
            self._crowd.send()
        self._sent = max(due, self._sent)
