"""A world in memory: what is simulated behaves, and one seed is one world."""

from twisted.trial.unittest import SynchronousTestCase

from im.testing.clients import SimulatedClient
from im.testing.fronts import FrontClient
from im.testing.schedule import play, schedule
from im.testing.world import World

TALK = "d~alice~bob"


class WorldTests(SynchronousTestCase):
    def test_one_seed_is_one_world(self) -> None:
        ends = [play(schedule(5))[0] for _ in range(2)]
        self.assertEqual(*(world.outcome() for world in ends))
        self.assertEqual(*(world.clock.seconds() for world in ends))
        self.assertEqual(*(world.random.random() for world in ends))

    def test_a_schedule_tells_what_happens(self) -> None:
        lines = str(schedule(5)).splitlines()
        self.assertIn("seed 5", lines[0])
        self.assertEqual(5 + len(schedule(5).steps), len(lines))

    def test_messages_arrive_at_every_device(self) -> None:
        for client_type in (SimulatedClient, FrontClient):
            self.send_and_settle(World(1, client_type=client_type))

    def send_and_settle(self, world: World) -> None:
        alice, phone, desk = world.client("alice"), world.client("bob"), world.client("bob", "desk")
        self.assertTrue(world.run_until(lambda: alice.is_online and phone.is_online and desk.is_online))
        alice.send("bob", b"one")
        alice.send("bob", b"two")
        world.settle()
        self.assertEqual((), world.check().violations)
        for each in (phone, desk):
            self.assertEqual([b"one", b"two"], world.history.contents(each.name, TALK))

    def test_a_killed_node_is_silent_until_it_is_started(self) -> None:
        world = World(1)
        alice = world.client("alice")
        world.run(1)
        world.kill_node()
        alice.send("bob", b"kept")
        world.run(5)
        self.assertFalse(alice.is_online)
        self.assertEqual(1, alice.core.unsent)
        world.start_node()
        self.assertTrue(world.run_until(lambda: not alice.core.unsent))

    def test_a_killed_client_keeps_what_it_committed(self) -> None:
        world = World(1)
        alice = world.client("alice")
        world.kill_node()
        alice.send("bob", b"kept")
        alice.kill()
        world.settle()
        self.assertEqual([b"kept"], [entry.content for entry in world.log("alice", TALK)])
        self.assertEqual((), world.check().violations)

    def test_an_erased_device_begins_anew(self) -> None:
        world = World(1)
        alice = world.client("alice")
        world.kill_node()
        alice.send("bob", b"forgotten")
        alice.kill()
        alice.lose_state()
        world.settle()
        self.assertEqual({}, world.outcome().logs)
        self.assertEqual((), world.check().violations)

    def test_a_device_is_sent_away_by_another_process_of_its_own(self) -> None:
        world = World(1)
        first = world.client("alice")
        world.run(1)
        world.client("alice", name="alice again")
        world.run(5)
        self.assertTrue(first.was_sent_away)
        world.settle()
        self.assertEqual((), world.check().violations)
