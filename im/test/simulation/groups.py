"""A group in a simulated world: members come and go while messages flow and everything fails, all by seed."""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from google.protobuf.message import Message as Body

from im.client.core import events
from im.client.core.state import Unsent
from im.core.entries import TEXT
from im.core.groups import group_conversation
from im.core.messages import Entry, Head, Pull, PullPage, Sync, SyncPage
from im.proto import chat_pb2, group_pb2, sync_pb2
from im.proto.group_pb2 import GroupEvent
from im.test.model.difference import differences
from im.test.model.seen import miscounted, told_once
from im.test.model.targets import fired
from im.testing.clients import SimulatedClient
from im.testing.schedule import ACTIONS, Schedule, Step, schedule
from im.testing.world import World
from im.wire import codec

KEY = b"%016d" % 1
TALK = group_conversation("alice", KEY)
DEVICES = (("alice", "phone"), ("bob", "phone"), ("bob", "desk"), ("carol", "phone"), ("dave", "phone"))
OTHERS = ("bob", "carol", "dave")
SECONDS = 15.0
STEPS = (30, 70)
COMING, GOING = (101, 103), (104, 105)


class MemberClient(SimulatedClient):
    """A client that notes what of the group came over the wire, what its app was handed, and its posts."""

    handed: list[tuple[int, bool]]
    """The seqs in their order, each with whether a process before may have been handed it, too."""

    came: set[int]
    """The seqs of what came over the wire, whatever became of it."""

    mine: set[bytes]
    """The client ids of its posts."""

    acknowledged: dict[bytes, int]
    """The seqs of its posts that it was told are stored."""

    begins_after: int
    """Where a device begins that was never there before: as far as any other of its user's was."""

    def start(self) -> None:
        """See `SimulatedClient`."""
        if not hasattr(self, "handed"):
            self.handed, self.came, self.mine, self.acknowledged = [], set(), set(), {}
            self.begins_after = 0
        if not self.is_running:
            self._is_again = bool(self.handed)
        super().start()

    def post(self, text: bytes) -> None:
        """Post to the group, saying what was seen so far."""
        client_msg_id = b"%16d" % self._around.random.getrandbits(50)
        self.mine.add(client_msg_id)
        self.core.send(Unsent(TALK, client_msg_id, self._seen.get(TALK, 0), TEXT, text), self._now)
        self._turn()

    def change(self, **change: Any) -> None:
        """Ask for a change of the group."""
        key = b"%16d" % self._around.random.getrandbits(50)
        self._ask(group_pb2.ChangeGroup(conversation=TALK, key=key, **change))

    def create(self) -> None:
        """Make the group, which is open to everybody."""
        settings = group_pb2.GroupSettings(joining="open")
        self._ask(group_pb2.CreateGroup(key=KEY, name="Talk", settings=settings, members=("bob",)))

    def _ask(self, body: Body) -> None:
        self._refreshes.add(self.core.ask(body, self._now))
        self._turn()

    def _given_up(self, event: events.RequestRefused | events.RequestTimedOut) -> None:
        super()._given_up(event)
        self._refreshes.discard(event.request)

    def received(self, wire: Any, payloads: list[bytes]) -> None:
        """See `SimulatedClient`."""
        for payload in payloads:
            self.came.update(_seqs_in(codec.unpack_body(codec.unpack(payload))))
        super().received(wire, payloads)

    def _message(self, event: events.Message) -> None:
        if event.conversation == TALK:
            self.handed.append((event.seq, self._is_again))
            self._is_again = False
        self._take_in(event)

    def _head_changed(self, event: events.HeadChanged) -> None:
        if self._is_first_sync and event.head.conversation == TALK:
            self.begins_after = max(self.begins_after, event.head.delivered_seq)

    def _sent(self, event: events.Sent) -> None:
        self.acknowledged[event.client_msg_id] = event.seq

    def _send_failed(self, event: events.SendFailed) -> None:
        self.mine.discard(event.client_msg_id)


def _seqs_in(body: object) -> Iterator[int]:
    """The seqs of the group's entries in a frame."""
    if isinstance(body, chat_pb2.Deliver) and body.conversation == TALK:
        yield body.entry.seq
    elif isinstance(body, sync_pb2.Page) and body.conversation == TALK:
        yield from (entry.seq for entry in body.entries)


def _post(world: World, client: MemberClient, amount: float) -> None:
    if client.is_running:
        for number in range(1 + int(amount * 2.99)):
            client.post(f"{client.name} {world.clock.rightNow:.3f} {number}".encode())


def _read(world: World, client: MemberClient, amount: float) -> None:
    seq = client.furthest(TALK) if client.is_running else 0
    if seq:
        client.read(TALK, max(1, int(seq * min(1.0, 2 * amount))))


def _by_owner(make: Callable[[str, float], dict[str, Any]]) -> Callable[[World, MemberClient, float], None]:
    """A change that alice makes of somebody."""

    def act(world: World, client: MemberClient, amount: float) -> None:
        alice = world.clients[0]
        assert isinstance(alice, MemberClient)
        if alice.is_running:
            alice.change(**make(OTHERS[int(amount * 1000) % len(OTHERS)], amount))

    return act


def _by_member(**change: Any) -> Callable[[World, MemberClient, float], None]:
    """A change that a client's user makes of their own place."""

    def act(world: World, client: MemberClient, amount: float) -> None:
        if client.is_running:
            client.change(**change)

    return act


_FAULTS = set(ACTIONS) - {"send", "read", "erase", "displace"}
CHANCES: dict[str, tuple[int, Callable[[World, Any, float], None]]] = {
    "post": (40, _post),
    "read": (8, _read),
    "invite": (8, _by_owner(lambda user, _: {"invite": group_pb2.GroupUsers(users=[user])})),
    "remove": (8, _by_owner(lambda user, _: {"remove": group_pb2.GroupUsers(users=[user])})),
    "silence": (2, _by_owner(lambda user, _: {"silence": group_pb2.Silence(user=user, seconds=1)})),
    "leave": (3, _by_member(leave=group_pb2.LeaveGroup())),
    "join": (5, _by_member(join=group_pb2.JoinGroup())),
    **{name: ACTIONS[name] for name in sorted(_FAULTS)},
}
"""What may happen: how often, and how."""


def group_schedule(seed: int) -> Schedule:
    """The schedule of a seed: weather and faults as of people who write to each other, other steps."""
    random = Random(f"groups {seed}")
    whats = random.choices(list(CHANCES), [often for often, _ in CHANCES.values()], k=random.randint(*STEPS))
    ats = sorted(random.uniform(0.0, SECONDS) for _ in whats)
    steps = [
        Step(at, what, random.randrange(len(DEVICES)), random.random())
        for at, what in zip(ats, whats, strict=True)
    ]
    return schedule(seed)._replace(steps=steps)


def play(played: Schedule) -> World:
    """Play a schedule, and let everything settle."""
    world = World(played.seed, played.weather, played.rates, played.limits, MemberClient)
    for user, device in DEVICES:
        world.client(user, device)
    alice = world.clients[0]
    assert isinstance(alice, MemberClient)
    while not _log(world):
        alice.create()
        world.run(1.0)
    for at, what, who, amount in played.steps:
        world.run(max(0.0, at - world.clock.rightNow))
        _, act = CHANCES[what]
        act(world, world.clients[who], amount)
    world.settle()
    return world


def violations(world: World) -> list[str]:
    """Everything that is wrong in a world that has settled."""
    log = _log(world)
    if not log:
        return ["the group was never made"]
    found = [f"{name} differs by a recount" for name in miscounted(lambda query: _read_store(world, query))]
    for client in world.clients:
        assert isinstance(client, MemberClient)
        spans = _spans(log, client.user)
        wrong = (*_wrong(client, log, spans), *_wrongly_told(client, log))
        found += [f"{client.name}: {text}" for text in wrong]
        if client.is_idle:
            found += [f"{client.name}: {text}" for text in _stale(world, client)]
        else:
            found.append(f"{client.name} still waits")
    return found


def _read_store(world: World, query: Any) -> Any:
    return fired(world.node.store.read(query))


def _log(world: World) -> list[Entry]:
    """The whole log: alice made the group, and stays."""
    entries: list[Entry] = []
    while True:
        page = _read_store(world, Pull(TALK, "alice", len(entries) + 1, False, 0))
        if not isinstance(page, PullPage):
            return []
        entries += page.entries
        if not page.more:
            return entries


def _spans(log: Sequence[Entry], user: str) -> list[range]:
    """From the entry of each coming to that of the going, or to the end: what is there for a user."""
    spans: list[range] = []
    for entry in log:
        named = GroupEvent.FromString(entry.content).users if entry.kind in (*COMING, *GOING) else ()
        if user in named and entry.kind in COMING:
            spans.append(range(entry.seq, len(log) + 1))
        elif user in named:
            spans[-1] = range(spans[-1].start, entry.seq + 1)
    return spans


def _wrong(client: MemberClient, log: Sequence[Entry], spans: Sequence[range]) -> Iterator[str]:
    """What is wrong with what a client got."""
    for seq in sorted(client.came):
        if not any(seq in span for span in spans):
            yield f"{seq} came, which is not for {client.user}: {spans}"
    own = {entry.seq for entry in log if entry.client_msg_id in client.mine}
    at = client.begins_after
    for seq, may_repeat in client.handed:
        if seq <= at and not may_repeat:
            yield f"was handed {seq} after {at}"
        for span in spans:
            if seq in span:
                yield from _skipped(at, seq, span, own)
        at = seq  # who repeats goes on from there
    if spans:
        yield from _skipped(at, spans[-1].stop, spans[-1], own)


def _wrongly_told(client: MemberClient, log: Sequence[Entry]) -> Iterator[str]:
    """What is wrong with what a client was told of its own posts."""
    for client_msg_id, seq in client.acknowledged.items():
        if log[seq - 1].client_msg_id != client_msg_id:
            yield f"its post is not at {seq}"
    ids = [entry.client_msg_id for entry in log]
    yield from (f"{each!r} is stored twice" for each in client.mine if ids.count(each) > 1)
    if client.mine - client.acknowledged.keys():
        yield f"was never told of {sorted(client.mine - client.acknowledged.keys())}"


def _skipped(at: int, seq: int, span: range, own: set[int]) -> Iterator[str]:
    """What a client lacks between two entries, of one time of membership; its own posts it need not get."""
    missing = [each for each in range(max(at + 1, span.start), seq) if each not in own]
    if missing:
        yield f"lacks {missing} before {seq}"


def _stale(world: World, client: MemberClient) -> Iterator[str]:
    """Where a client's own list is not what the store says."""
    page = _read_store(world, Sync(client.user, None, ""))
    assert isinstance(page, SyncPage)
    stored, known = ([_what_counts(head) for head in heads] for heads in (page.heads, client.core.heads()))
    yield from (f"knows of {each} (its own, the store's)" for each in differences(known, stored))


def _what_counts(head: Head) -> Head:
    """A head without what is written a little later, and without its last entry."""
    return told_once(head)._replace(delivered_seq=0, last=None)
