"""What every store does for events: noted with what makes them true, and due until they are settled."""

import json

from im.core.commands import CreateUser
from im.core.errors import Refused
from im.core.events import (
    DEAD_KEPT_MS,
    DELIVERED,
    KINDS,
    MOST_AGE_MS,
    OFFLINE,
    OFFLINE_MESSAGE,
    ONLINE,
    PUSH_RESULT,
    READ,
    STORED,
    CountEvents,
    DeadEvent,
    DeadLetters,
    DeadReplayed,
    Event,
    EventCount,
    EventCounts,
    EventsFound,
    EventsKept,
    EventsSettled,
    EventsSubscribed,
    FindEvents,
    KeepEvents,
    LaneOutcome,
    ListDead,
    ReplayDead,
    SettleEvents,
    SubscribeEvents,
)
from im.core.ledger import CloseSession, EndNode, OpenSession
from im.core.messages import MoveDelivered, MoveRead
from im.core.pushing import ExpirePushes, Push, StorePush
from im.core.reaching import WEBHOOKS, Away, FindAway, PassAway
from im.testing.contracts.store_base import DIRECT, StoreContract, a_send, client_id

_DAY_MS = 86_400_000


def an_open(user: str, session: str = "s1", at_ms: int = 1_000_000) -> OpenSession:
    """A session's beginning."""
    return OpenSession(session, user, "phone", "phone", "node1", at_ms, True, 30_000)


class _EventStore(StoreContract):
    """Stores with a consumer."""

    async def subscribe(self, *kinds: str, consumer: str = "hook") -> None:
        """Let the consumer have these."""
        await self.write(SubscribeEvents(consumer, kinds))

    async def found(self, consumer: str = "hook", most: int = 100) -> EventsFound:
        """What is due."""
        found = await self.read(FindEvents(consumer, self.time_ms, most))
        assert isinstance(found, EventsFound), found
        return found

    async def events(self, consumer: str = "hook") -> list[Event]:
        """What is due, in the order of its ids."""
        lanes = (await self.found(consumer)).lanes
        return sorted(event for lane in lanes for event in lane.events)

    async def told(self, consumer: str = "hook") -> list[tuple[str, str]]:
        """Kind and user of what is due."""
        return [(event.kind, event.user) for event in await self.events(consumer)]

    async def settle(self, *lanes: LaneOutcome, behind: tuple[bytes, ...] = ()) -> int:
        """Say what became of lanes."""
        (settled,) = await self.write(SettleEvents("hook", lanes, behind))
        assert isinstance(settled, EventsSettled), settled
        return settled.events

    async def dead(self, after: bytes = b"", limit: int = 10) -> DeadLetters:
        """A page of dead letters."""
        letters = await self.read(ListDead("hook", after, limit))
        assert isinstance(letters, DeadLetters), letters
        return letters


class EventNotingContract(_EventStore):
    """Events are noted with what makes them true, and only for those who want them."""

    async def test_without_a_consumer_nothing_is_noted(self) -> None:
        await self.send(a_send(1))
        await self.subscribe(*KINDS)
        self.assertEqual([], await self.events())

    async def test_a_consumer_gets_the_kinds_that_exist(self) -> None:
        told = await self.write(SubscribeEvents("hook", ("read", "no such", "online")))
        self.assertEqual([EventsSubscribed("hook", ("online", "read"))], told)

    async def test_a_batch_is_one_record_of_what_it_stored(self) -> None:
        await self.subscribe(STORED)
        await self.write(a_send(1), a_send(2, "bob"), a_send(2, "bob"))
        (event,) = await self.events()
        self.assertEqual((STORED, "", self.time_ms), event[1:4])
        first, second = json.loads(event.payload)["entries"]
        self.assertEqual(
            {
                "conversation": DIRECT,
                "seq": 1,
                "sender": "alice",
                "kind": 1,
                "client_msg_id": client_id(1).hex(),
                "users": ["alice", "bob"],
            },
            first,
        )
        self.assertEqual(("bob", 2), (second["sender"], second["seq"]))

    async def test_what_was_stored_before_is_not_told_again(self) -> None:
        await self.send(a_send(1))
        await self.subscribe(STORED)
        await self.write(a_send(1))
        self.assertEqual([], await self.events())

    async def test_each_consumer_gets_what_it_wants(self) -> None:
        await self.subscribe(STORED, consumer="one")
        await self.subscribe(STORED, READ, consumer="two")
        await self.write(a_send(1), MoveRead(DIRECT, "bob", 1))
        self.assertEqual([(STORED, "")], await self.told("one"))
        self.assertEqual({(STORED, ""), (READ, "bob")}, {*await self.told("two")})

    async def test_a_consumer_that_goes_gets_no_more(self) -> None:
        await self.subscribe(STORED)
        await self.subscribe()
        await self.write(a_send(1))
        self.assertEqual([], await self.events())

    async def test_a_refused_write_is_no_event(self) -> None:
        await self.subscribe(*KINDS)
        moves = (MoveRead(DIRECT, "bob", 1), MoveDelivered(DIRECT, "bob", 1))
        results = await self.write(*moves, a_send(1)._replace(conversation="d~x~y"))
        self.assertEqual([True] * 3, [isinstance(result, Refused) for result in results])
        self.assertEqual([], await self.events())

    async def test_cursors_that_move_are_told_once(self) -> None:
        await self.subscribe(DELIVERED, READ)
        await self.send(a_send(1))
        for _ in range(2):
            await self.write(MoveDelivered(DIRECT, "bob", 1))
            await self.write(MoveRead(DIRECT, "bob", 1))
        events = await self.events()
        self.assertEqual([(DELIVERED, "bob"), (READ, "bob")], [(each.kind, each.user) for each in events])
        self.assertEqual({"conversation": DIRECT, "seq": 1}, json.loads(events[0].payload))

    async def test_a_message_by_which_its_sender_has_read_is_told(self) -> None:
        await self.send(a_send(1))
        await self.subscribe(READ)
        await self.send(a_send(2, "bob", seen_seq=1))
        self.assertEqual([(READ, "bob")], await self.told())

    async def test_sessions_are_told_as_they_begin_and_end(self) -> None:
        await self.subscribe(ONLINE, OFFLINE)
        opened = an_open("alice")
        close = CloseSession(opened, 1_007_000, "logout", 0)
        for write in (opened, opened, close, close):
            await self.write(write)
        online, offline = await self.events()
        self.assertEqual((ONLINE, "alice", 1_000_000), online[1:4])
        self.assertEqual((OFFLINE, "alice", 1_007_000), offline[1:4])
        told = json.loads(offline.payload)
        self.assertEqual(("s1", "logout", 7_000), (told["session"], told["reason"], told["duration_ms"]))

    async def test_sessions_of_a_dead_node_are_told(self) -> None:
        await self.subscribe(OFFLINE)
        await self.write(an_open("alice"), an_open("bob", "s2"))
        await self.write(EndNode("node1", 1_005_000))
        self.assertEqual([(OFFLINE, "alice"), (OFFLINE, "bob")], await self.told())
        self.assertIn('"reason":"node_died"', (await self.events())[0].payload)

    async def test_what_became_of_a_push_is_told_of_each_device(self) -> None:
        await self.subscribe(PUSH_RESULT)
        await self.write(CreateUser("alice"))
        pushes = [Push(client_id(number), b"paid", self.time_ms + 60_000) for number in (1, 2)]
        await self.write(*(StorePush(push, ("alice",)) for push in pushes))
        ack = MoveDelivered("i~alice", "alice", 1, "phone")
        await self.write(ack, ack._replace(seq=2))
        await self.write(ack._replace(device="desk"))
        told = [json.loads(event.payload) for event in await self.events()]
        self.assertEqual(
            [(1, "acknowledged", "phone"), (2, "acknowledged", "phone"), (1, "acknowledged", "desk")],
            [(each["seq"], each["state"], each["device"]) for each in told],
        )
        self.assertEqual(client_id(1).hex(), told[0]["push"])

    async def test_a_push_that_expires_before_anybody_has_it_is_told(self) -> None:
        await self.subscribe(PUSH_RESULT)
        await self.write(CreateUser("alice"), CreateUser("bob"))
        await self.write(StorePush(Push(client_id(1), b"paid", self.time_ms + 1_000), ("alice", "bob")))
        await self.write(MoveDelivered("i~bob", "bob", 1))
        self.time_ms += 2_000
        await self.write(ExpirePushes(100))
        (event,) = await self.events()
        self.assertEqual(("alice", "expired"), (event.user, json.loads(event.payload)["state"]))

    async def test_a_message_that_reached_nobody_is_told_with_its_passing(self) -> None:
        await self.subscribe(OFFLINE_MESSAGE)
        await self.send(a_send(1))
        away = await self.read(FindAway(WEBHOOKS, self.time_ms, 10))
        assert isinstance(away, Away), away
        for _ in range(2):
            await self.write(PassAway(WEBHOOKS, away.since, away.until, away.batches, away.messages))
        (event,) = await self.events()
        told = json.loads(event.payload)
        self.assertEqual(
            ("bob", DIRECT, 1, "alice"), (event.user, told["conversation"], told["seq"], told["sender"])
        )
        self.assertEqual("dGV4dCAx", told["content"])

    async def test_ids_grow_whatever_the_clock_does_and_after_a_crash(self) -> None:
        await self.subscribe(STORED)
        for number in range(1, 4):
            await self.send(a_send(number))
            self.time_ms -= 1_000
        self.store = self.reopen_store(self.store, False)
        await self.send(a_send(4))
        seqs = [json.loads(event.payload)["entries"][0]["seq"] for event in await self.events()]
        self.assertEqual([1, 2, 3, 4], seqs)


class EventCarryingContract(_EventStore):
    """Each event is due until it is settled; those of a user in order."""

    async def note(self, *users: str) -> None:
        """Let a session of each user begin, with the next number each."""
        for user in users:
            self.time_ms += 1
            await self.write(an_open(user, f"s{self.time_ms}", self.time_ms))

    async def due(self) -> dict[str, tuple[int, int]]:
        """Lane -> failures, and how many events are due."""
        return {lane.lane: (lane.attempts, len(lane.events)) for lane in (await self.found()).lanes}

    async def ids(self) -> list[bytes]:
        """The ids of what is due."""
        return [event.id for event in await self.events()]

    async def test_what_is_done_is_not_due_again(self) -> None:
        await self.subscribe(ONLINE)
        await self.note("alice", "alice", "bob")
        a, b, c = await self.ids()
        self.assertEqual(2, await self.settle(LaneOutcome("alice", (a, b))))
        self.assertEqual(0, await self.settle(LaneOutcome("alice", (a, b))))
        self.assertEqual([c], await self.ids())

    async def test_others_go_past_a_lane_that_fails(self) -> None:
        await self.subscribe(ONLINE)
        await self.note("alice", "alice", "bob")
        a, b, _ = await self.ids()
        await self.settle(LaneOutcome("alice", (), (), (a, b), 1, self.time_ms + 5_000))
        self.assertEqual({"bob": (0, 1)}, await self.due())
        self.assertEqual(self.time_ms + 5_000, (await self.found()).next_ms)

    async def test_a_lane_that_failed_goes_on_in_order_when_it_is_time(self) -> None:
        await self.subscribe(ONLINE)
        await self.note("alice", "alice")
        a, b = await self.ids()
        await self.settle(LaneOutcome("alice", (), (), (a, b), 1, self.time_ms + 5_000))
        await self.note("alice")
        found = await self.found()
        self.assertEqual(((), 1), (found.lanes, len(found.behind)))
        await self.settle(behind=found.behind)
        self.time_ms += 5_000
        (lane,) = (await self.found()).lanes
        self.assertEqual(("alice", 1, [a, b, *found.behind]), (*lane[:2], [each.id for each in lane.events]))
        await self.settle(LaneOutcome("alice", (a,)))
        self.assertEqual({"alice": (0, 2)}, await self.due())
        await self.settle(LaneOutcome("alice", (b, *found.behind)))
        await self.note("alice")
        self.assertEqual({"alice": (0, 1)}, await self.due())

    async def test_a_store_that_is_opened_again_knows_what_failed(self) -> None:
        await self.subscribe(ONLINE)
        await self.note("alice")
        ids = tuple(await self.ids())
        await self.settle(LaneOutcome("alice", (), (), ids, 3, self.time_ms + 5_000))
        self.store = self.reopen_store(self.store, False)
        self.assertEqual({}, await self.due())
        self.time_ms += 5_000
        self.assertEqual({"alice": (3, 1)}, await self.due())

    async def test_a_dead_letter_lets_the_next_one_go_and_can_be_replayed(self) -> None:
        await self.subscribe(ONLINE)
        await self.note("alice", "alice", "bob")
        a, b, c = await self.ids()
        await self.settle(LaneOutcome("alice", (), (), (a, b), 1, 0))
        await self.settle(LaneOutcome("alice", (), (DeadEvent(a, 15, "it answered 500"),)))
        self.assertEqual([b, c], await self.ids())
        (letter,) = (await self.dead()).letters
        self.assertEqual((a, 15, "it answered 500"), (letter.event.id, letter.attempts, letter.error))
        self.assertEqual([DeadReplayed(1)], await self.write(ReplayDead("hook", 10)))
        await self.settle(behind=(await self.found()).behind)
        self.assertEqual([a, b, c], await self.ids())
        self.assertEqual((), (await self.dead()).letters)

    async def test_dead_letters_come_in_pages(self) -> None:
        await self.subscribe(ONLINE)
        await self.note("alice", "alice", "alice")
        ids = await self.ids()
        await self.settle(LaneOutcome("alice", (), tuple(DeadEvent(each, 1, "no") for each in ids)))
        page = await self.dead(limit=2)
        self.assertEqual(ids[:2], [letter.event.id for letter in page.letters])
        last = await self.dead(page.next, 2)
        self.assertEqual((ids[2:], b""), ([letter.event.id for letter in last.letters], last.next))

    async def test_what_waits_is_counted(self) -> None:
        await self.subscribe(ONLINE)
        first_ms = self.time_ms + 1
        await self.note("alice", "alice", "bob", "carol")
        a, b, c, _ = await self.ids()
        await self.settle(LaneOutcome("alice", (), (), (a, b), 1, self.time_ms + 5_000))
        await self.settle(LaneOutcome("bob", (), (DeadEvent(c, 15, "no"),)))
        self.assertEqual(EventCounts((EventCount("hook", 3, 1, first_ms),)), await self.read(CountEvents(10)))
        self.assertEqual(EventCounts((EventCount("hook", 2, 1, first_ms),)), await self.read(CountEvents(2)))

    async def test_upkeep_gives_up_what_is_too_old_and_removes_old_dead_letters(self) -> None:
        await self.subscribe(ONLINE)
        await self.note("alice", "alice", "bob")
        a, b, c = await self.ids()
        await self.settle(LaneOutcome("alice", (), (), (a, b), 1, 0))
        self.time_ms += MOST_AGE_MS + 1
        self.assertEqual([EventsKept(2)], await self.write(KeepEvents(2)))
        self.assertEqual([EventsKept(1)], await self.write(KeepEvents(2)))
        letters = (await self.dead()).letters
        self.assertEqual([a, b, c], [letter.event.id for letter in letters])
        await self.write(ReplayDead("hook", 10))
        self.assertEqual([EventsKept(0)], await self.write(KeepEvents(10)))
        await self.settle(LaneOutcome("alice", (), (DeadEvent(a, 1, "no"),)))
        self.time_ms += DEAD_KEPT_MS
        self.assertEqual([EventsKept(3)], await self.write(KeepEvents(10)))
        self.assertEqual([b, c], [letter.event.id for letter in (await self.dead()).letters])

    async def test_upkeep_removes_what_is_of_nobody_in_steps(self) -> None:
        await self.subscribe(ONLINE)
        await self.note("alice", "alice", "bob")
        a, *_ = await self.ids()
        await self.settle(LaneOutcome("alice", (), (), (a,), 1, 0))
        await self.subscribe()
        self.assertEqual([EventsKept(2)], await self.write(KeepEvents(2)))
        self.assertEqual([EventsKept(2)], await self.write(KeepEvents(2)))
        self.assertEqual([EventsKept(0)], await self.write(KeepEvents(2)))
        await self.subscribe(ONLINE)
        self.assertEqual({}, await self.due())
