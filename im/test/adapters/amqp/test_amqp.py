"""Requests go to their shards and come back; whatever is lost on the way is noticed."""

import itertools
from collections.abc import Sequence

import msgspec
import pika
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from im.adapters.amqp.codec import Hop, Submission, pack_hop, pack_submission
from im.core.commands import Request
from im.core.errors import Refused
from im.core.messages import Sent
from im.core.shards import preferred_shards, shard_of
from im.ports import Delivery, NodeBatch
from im.test.adapters.amqp.cluster import DIRECT, AmqpCase, Node, Shard, Worker, a_send, clock


def submit(node: Node, first: int, last: int, conversation: str = DIRECT) -> None:
    """Submit sends with the numbers as their ids."""
    for number in range(first, last + 1):
        node.bridge.submit(Request(node.name, number, "s", a_send(number, conversation)))


class WayTests(AmqpCase):
    """From a node to a worker and back."""

    async def test_a_request_is_answered_over_the_node_s_own_queue(self) -> None:
        node, worker = await self.node(), await self.worker()
        submit(node, 1, 1)
        await self.until(lambda: node.results)
        self.assertEqual(node.results, [(1, Sent(DIRECT, 1, 1, 7, "epoch", False))])
        self.assertEqual(worker.done, [(shard_of(DIRECT, 4), [1])])

    async def test_many_at_once_are_one_message_a_shard_and_keep_their_order(self) -> None:
        node, worker = await self.node(), await self.worker()
        submit(node, 1, 100)
        submit(node, 101, 200, "d~carol~dave")
        await self.until(lambda: len(node.results) == 200)
        self.assertLessEqual(node.bridge.published, 2)
        for shard in {shard_of(DIRECT, 4), shard_of("d~carol~dave", 4)}:
            ids = [each for number, done in worker.done for each in done if number == shard]
            self.assertEqual(ids, sorted(ids))

    async def test_what_no_worker_ever_waited_for_is_refused_at_once(self) -> None:
        node = await self.node()
        submit(node, 1, 3)
        await self.until(lambda: len(node.results) == 3)
        self.assertTrue(all(isinstance(result, Refused) for _, result in node.results))

    async def test_without_a_connection_requests_are_refused_at_once(self) -> None:
        node = Node("n9", self.topology, self.url)
        submit(node, 1, 1)
        await self.until(lambda: node.results)
        await node.stop()

    async def test_a_channel_that_the_broker_closes_comes_back_with_the_connection(self) -> None:
        node, worker = await self.node(), await self.worker()
        await worker.link._channel.queue_declare(queue="nowhere", passive=True).addErrback(lambda _: None)
        self.assertFalse(worker.link.is_up)
        worker.publisher.publish("n1~g1", NodeBatch())
        await self.until(lambda: worker.link.is_up)
        self.assertEqual(node.doubts, [])

    async def test_deliveries_reach_only_the_node_that_is_named(self) -> None:
        one, two, worker = await self.node("n1"), await self.node("n2"), await self.worker()
        delivery = Delivery(("alice",), DIRECT, 4, b"frame", "s")
        worker.publisher.publish("n1~g1", NodeBatch(deliveries=[delivery]))
        await self.until(lambda: one.batches)
        self.assertEqual(list(one.batches[0].deliveries), [delivery])
        self.assertEqual(two.batches, [])


class DoubtTests(AmqpCase):
    """What a node finds by its hops."""

    async def test_a_message_that_was_lost_on_the_way_is_a_doubt(self) -> None:
        node, worker = await self.node(), await self.worker()
        worker.publisher.publish("n1~g1", NodeBatch())
        worker.link, link = type(worker.link)(), worker.link
        worker.publisher._link = worker.link
        worker.publisher.publish("n1~g1", NodeBatch())
        worker.publisher._link = link
        worker.publisher.publish("n1~g1", NodeBatch())
        await self.until(lambda: node.doubts)
        self.assertEqual(node.doubts[0], "after message 1 of w1 came 3")

    async def test_a_lost_last_message_is_found_by_the_beat(self) -> None:
        node, worker = await self.node(), await self.worker()
        worker.publisher._last["n1~g1"] = 5
        worker.addresses.append("n1~g1")
        await self.until(lambda: node.doubts)
        self.assertEqual(node.doubts[0], "message 5 of w1 did not come, only 0")

    async def test_another_epoch_of_the_registry_is_a_doubt(self) -> None:
        node, worker = await self.node(), await self.worker()
        worker.publisher._epoch = lambda: "another"
        worker.addresses.append("n1~g1")
        await self.until(lambda: node.doubts)
        self.assertIn("looks up in another epoch", node.doubts[0])

    async def test_what_nobody_can_read_is_dropped_and_counted(self) -> None:
        node, worker = await self.node(), await self.worker()
        worker.link.publish(self.topology.node_name("n1~g1"), b"\x99 poison")
        worker.publisher.publish("n1~g1", NodeBatch())
        await self.until(lambda: node.batches)
        self.assertEqual((node.inbox.unreadable, node.doubts), (1, []))

    async def test_a_new_generation_has_a_new_queue_and_new_hops(self) -> None:
        node, worker = await self.node(), await self.worker()
        worker.publisher.publish("n1~g1", NodeBatch())
        await self.until(lambda: node.batches)
        await node.inbox.join("n1~g2")
        worker.publisher.publish("n1~g1", NodeBatch())
        await self.until(lambda: worker.publisher.unroutable)
        worker.publisher.publish("n1~g2", NodeBatch())
        await self.until(lambda: len(node.batches) == 2)
        self.assertEqual(node.doubts, [])

    async def test_a_worker_that_ends_in_order_leaves_no_doubt(self) -> None:
        node, worker = await self.node(), await self.worker(stays=True)
        worker.publisher.publish("n1~g1", NodeBatch())
        await self.until(lambda: node.batches)
        await worker.stop()
        await self.until(lambda: not node.inbox._hops._hops)
        self.assertEqual(node.doubts, [])

    async def test_a_queue_that_somebody_removes_is_a_doubt(self) -> None:
        node = await self.node()
        await node.inbox._channel.queue_delete(queue=self.topology.node_name("n1~g1"))
        await self.until(lambda: node.doubts)
        self.assertIn("this node's queue is gone", node.doubts[0])
        self.assertEqual(node.inbox.address, "")

    async def test_the_end_of_the_connection_is_a_doubt(self) -> None:
        node = await self.node()
        await node.connection.stop()
        await self.until(lambda: node.doubts)
        self.assertIn("is gone", node.doubts[0])


class ShardTests(AmqpCase):
    """Who owns what, and how it is handed over."""

    async def test_shards_spread_over_the_workers_that_are_there(self) -> None:
        node, one = await self.node(), await self.worker("w1")
        for number in range(8):
            submit(node, number, number, f"d~alice~user{number}")
        await self.until(lambda: len(one.owned) == 4)
        two = await self.worker("w2")
        await self.until(lambda: len(one.owned) == 2)
        for number in range(8, 16):
            submit(node, number, number, f"d~alice~user{number}")
        await self.until(lambda: len(two.owned) == 2 and len(node.results) >= 16)
        self.assertEqual(one.owned & two.owned, set())

    async def test_a_shard_that_goes_to_another_worker_and_back_keeps_its_order(self) -> None:
        node, one = await self.node(), await self.worker("w1")
        shard = preferred_shards("w2", ["w1", "w2"], self.shards)[0]
        conversations = (f"d~alice~user{number}" for number in itertools.count())
        conversation = next(each for each in conversations if shard_of(each, self.shards) == shard)
        done, sent = list[int](), 0

        def act(shard: Shard, requests: Sequence[Request]) -> bool:
            done.extend(each.id for each in requests)
            return shard.answer(requests)

        async def flood(owner: Worker) -> None:
            nonlocal sent
            while shard not in owner.owned:
                sent += 1
                submit(node, sent, sent, conversation)
                await deferLater(clock(), 0.002)

        one.act = act
        await flood(one)
        two = await self.worker("w2", stays=True)
        two.act = act
        await flood(two)
        self.names.remove("w2")
        stopping = Deferred.fromCoroutine(two.stop())
        await flood(one)
        await stopping
        await self.until(lambda: len(node.results) >= sent)
        self.assertEqual(done, list(range(1, sent + 1)))

    async def test_what_waits_behind_the_last_batch_of_a_worker_goes_to_the_next_as_it_is(self) -> None:
        first, second = await self.node("n1"), await self.node("n2")
        one, held = await self.worker("w1", stays=True), Deferred[bool]()
        one.execute_all = lambda requests: held
        submit(first, 1, 3)
        await self.until(lambda: one.done)
        submit(second, 4, 6)
        await self.until(lambda: not len(second.bridge))
        two = await self.worker("w2")
        self.names.remove("w1")
        await self.until(lambda: all(shard.is_open for shard in two.shards.shards))
        stopping = Deferred.fromCoroutine(one.stop())
        held.callback(True)
        await stopping
        await self.until(lambda: len(second.results) == 3)
        self.assertEqual(two.done, [(shard_of(DIRECT, 4), [4, 5, 6])])

    async def test_what_a_worker_had_in_hand_when_it_died_is_done_by_the_next(self) -> None:
        node, one = await self.node(), await self.worker("w1", stays=True)
        one.act = lambda shard, requests: False
        submit(node, 1, 3)
        await self.until(lambda: one.done)
        await one.connection.stop()
        one.publisher.stop()
        self.names.remove("w1")
        await self.worker("w2")
        await self.until(lambda: len(node.results) == 3)
        self.assertEqual(sorted(number for number, _ in node.results), [1, 2, 3])

    async def test_a_request_that_crashes_whoever_takes_it_is_refused_alone(self) -> None:
        node, worker = await self.node(), await self.worker()
        crashed = []

        def act(shard: Shard, requests: Sequence[Request]) -> bool:
            if any(each.id == 2 for each in requests):
                crashed.append(len(requests))
                return False
            return shard.answer(requests)

        worker.act = act
        submit(node, 1, 3)
        await self.until(lambda: len(node.results) == 3)
        results = dict(node.results)
        self.assertIsInstance(results[2], Refused)
        self.assertIsInstance(results[1], Sent)
        self.assertIsInstance(results[3], Sent)
        self.assertGreater(len(crashed), 1)

    async def test_a_count_of_crashes_that_no_worker_wrote_crashes_nothing(self) -> None:
        node, worker = await self.node(), await self.worker()
        losses = iter((False,))
        worker.act = lambda shard, requests: next(losses, True) and shard.answer(requests)
        body = pack_submission(Submission(node.inbox.address, [Request("n1", 1, "s", a_send(1))]))
        channel = await self.channel()
        strange = pika.BasicProperties(headers={"im-crashes": ["often"]})
        channel.basic_publish("", self.topology.shard(shard_of(DIRECT, 4)).name, body, strange)
        await self.until(lambda: node.results)
        self.assertEqual([number for number, _ in node.results], [1])

    async def test_poison_is_put_aside_and_the_next_is_done(self) -> None:
        node, worker = await self.node(), await self.worker()
        shard = shard_of(DIRECT, 4)
        node.link.publish(self.topology.shard(shard).name, b"poison")
        node.link.publish(self.topology.shard(shard).name, pack_hop(Hop("", "", 0, None)))
        submit(node, 1, 1)
        await self.until(lambda: node.results)
        self.assertEqual(worker.shards.shards[shard].unreadable, 2)

    async def test_a_request_that_only_a_newer_worker_knows_is_refused_alone(self) -> None:
        node, worker = await self.node(), await self.worker()
        asked = [[1, "s", "Future", []]]
        name = self.topology.shard(shard_of(DIRECT, 4)).name
        node.link.publish(name, msgspec.msgpack.encode([node.inbox.address, asked]))
        submit(node, 2, 2)
        await self.until(lambda: len(node.results) == 2)
        refused = dict(node.results)[1]
        self.assertIsInstance(refused, Refused)
        self.assertTrue(refused.code.is_retryable)
        self.assertEqual([ids for _, ids in worker.done], [[2]])

    async def test_without_a_database_requests_wait_for_the_claim(self) -> None:
        node, worker = await self.node(), await self.worker()
        worker.is_claiming = False
        submit(node, 1, 1)
        await self.until(lambda: not worker.shards.shards[shard_of(DIRECT, 4)].is_open)
        worker.is_claiming = True
        await self.until(lambda: node.results)

    async def test_a_worker_that_stops_finishes_what_it_has_in_hand(self) -> None:
        node, worker = await self.node(), await self.worker(stays=True)
        submit(node, 1, 50)
        await self.until(lambda: worker.done)
        await worker.stop()
        await self.until(lambda: len(node.results) == 50)

    async def test_two_clusters_on_one_broker_see_nothing_of_each_other(self) -> None:
        node, worker = await self.node(), await self.worker()
        other = type(self.topology)(self.topology.node_name("other"), 4)
        stranger = Node("n1", other, self.url)
        stranger.connection.start()
        await self.until(lambda: not stranger.connection.problem)
        await stranger.inbox.join("n1~g1")
        submit(stranger, 1, 1)
        await self.until(lambda: stranger.results)
        self.assertIsInstance(stranger.results[0][1], Refused)
        self.assertEqual((worker.done, node.batches), ([], []))
        await stranger.stop()
