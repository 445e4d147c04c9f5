"""The registry on Redis: its contract, and its compare-and-sets against every doubt."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.redis.connection import place_of
from im.adapters.redis.registration import About
from im.ports import UnavailableError
from im.test.adapters.redis.cluster import ManyNodes, RedisCase
from im.testing.contracts import registry

a_session = registry.a_session
PHONE = a_session()


class ContractTests(RedisCase, registry.RegistryContract):
    """What every registry does."""

    async def setUp(self) -> None:  # type: ignore[override]
        super().setUp()
        nodes = {name: await self.node(name) for name in ("n1", "n2")}
        self.registry = ManyNodes(nodes, self.directory())


class DoubtTests(RedisCase):
    """Whatever a node missed, it learns of it at its next write or renewal."""

    async def refused(self, writing: "Deferred[Any]") -> str:
        try:
            await writing
        except UnavailableError as error:
            return str(error)
        self.fail("it was written")

    async def test_a_lease_that_lapsed_while_the_node_stood_still_is_found(self) -> None:
        node = await self.node("n1")
        await self.forget(self.keys.lease("n1"))
        self.assertEqual(await self.refused(node.registration.register(PHONE)), "the lease is over")
        self.assertEqual(node.doubts, ["the lease is over"])

    async def test_a_flush_is_found_although_another_node_has_begun_anew(self) -> None:
        node = await self.node("n1")
        await self.forget(self.keys.epoch)
        await self.node("n2")
        text = "the registry lost its memory"
        self.assertEqual(await self.refused(node.registration.register(PHONE)), text)
        self.assertEqual(node.doubts, [text])

    async def test_a_write_that_was_lost_is_found_by_the_next(self) -> None:
        node = await self.node("n1")
        node.registration._op += 1
        self.assertEqual(await self.refused(node.registration.register(PHONE)), "a write was lost")

    async def test_a_renewal_finds_all_of_them(self) -> None:
        for lost in (self.keys.lease("n1"), self.keys.epoch):
            node = await self.node("n1")
            await self.forget(lost)
            node.registration.renew()
            while not node.doubts:
                await self.admin.values(["nothing"])
            self.assertEqual(len(node.doubts), 1)

    async def test_a_detached_node_writes_nothing(self) -> None:
        node = await self.node("n1")
        await self.forget(self.keys.lease("n1"))
        await self.refused(node.registration.register(PHONE))
        self.assertEqual(
            await self.refused(node.registration.register(PHONE)), "the node establishes itself anew"
        )
        await node.registration.unregister(PHONE)
        self.assertEqual(len(node.doubts), 1)

    async def test_an_older_process_of_the_same_name_writes_no_more(self) -> None:
        old = await self.node("n1", "old")
        new = await self.node("n1", "new")
        self.assertEqual(await self.refused(old.registration.register(PHONE)), "the lease is over")
        await new.registration.register(PHONE)

    async def test_sessions_of_a_dead_process_of_the_same_name_are_no_ghosts(self) -> None:
        old = await self.node("n1", "old")
        await old.registration.register(PHONE)
        await self.node("n1", "new")
        self.assertEqual(await self.directory().locate(["alice"]), {})
        self.assertEqual(await self.directory().sessions("alice"), [])

    async def test_a_new_generation_is_found_at_once(self) -> None:
        await self.node("n1", "g1", [PHONE])
        directory = self.directory()
        self.assertEqual(await directory.locate(["alice"]), {"n1~g1": ["alice"]})
        await self.node("n1", "g2", [PHONE])
        self.assertEqual(await directory.locate(["alice"]), {"n1~g2": ["alice"]})

    async def test_an_establishment_tells_whom_a_newer_login_displaced(self) -> None:
        await self.node("n2", "g", [a_session(id="s9", node="n2", fence=9)])
        node = await self.node("n1")
        displaced = await node.registration.establish("g2", [PHONE, a_session(id="s2", device="desk")], ())
        self.assertEqual([each.id for each in displaced], ["s1"])
        self.assertEqual(set(await self.directory().locate(["alice"])), {"n1~g2", "n2~g"})

    async def test_many_sessions_are_established_in_pages(self) -> None:
        sessions = [a_session(id=f"s{number}", user=f"user-{number}") for number in range(450)]
        await self.node("n1", "g1", sessions)
        self.assertEqual(len(await self.directory().sessions(None)), 450)

    async def test_the_workers_that_live_are_those_whose_leases_run_by_the_clock_of_redis(self) -> None:
        await self.node("n1")
        one, other = self.directory("worker-1"), self.directory("worker-2")
        await one.refresh()
        await other.refresh()
        self.assertEqual(sorted(other.workers), ["worker-1", "worker-2"])
        await self.admin.call("return redis.call('ZADD', KEYS[1], 1, 'worker-1')", [self.keys.workers], [])
        await other.refresh()
        self.assertEqual(other.workers, ["worker-2"])

    async def test_an_empty_handed_registry_gives_no_answer(self) -> None:
        directory = self.directory()
        self.assertIn("lost its memory", await self.refused(directory.locate(["alice"])))
        await self.node("n1", "g1", [PHONE])
        self.assertEqual(await directory.locate(["alice"]), {"n1~g1": ["alice"]})
        await self.forget(self.keys.epoch, self.keys.user("alice"), self.keys.lease("n1"))
        self.assertIn("lost its memory", await self.refused(Deferred.fromCoroutine(directory.refresh())))

    async def test_another_layout_is_refused_by_its_name(self) -> None:
        await self.admin.call("return redis.call('SET', KEYS[1], '99')", [self.keys.layout], [])
        with self.assertRaises(UnavailableError) as caught:
            await self.node("n1")
        self.assertIn(f"the keys {self.keys.layout} in Redis are of layout 99", str(caught.exception))


class NodeTests(RedisCase):
    """What others learn of nodes, and nodes of workers."""

    async def test_live_nodes_tell_of_themselves(self) -> None:
        node = await self.node("n1")
        node.about = About(("tcp:h:1",), "ws://h", "", "1.0", 7, 100, "draining")
        node.registration.renew()
        directory = self.directory()
        while not node.workers:
            await directory.refresh()
        await directory.refresh()
        (found,) = directory.nodes.values()
        self.assertEqual((found.name, found.generation, found.about), ("n1", "g1", node.about))
        self.assertEqual(directory.address_of("n1"), "n1~g1")
        self.assertEqual(directory.address_of("n9"), "")

    async def test_a_closed_node_is_gone_at_once(self) -> None:
        node = await self.node("n1", "g1", [PHONE])
        directory = self.directory()
        self.assertEqual(len(await directory.locate(["alice"])), 1)
        await node.registration.close()
        await directory.refresh()
        self.assertEqual(await directory.locate(["alice"]), {})

    async def test_a_renewal_tells_which_workers_live(self) -> None:
        await self.node("n0")
        await self.directory("worker-7").refresh()
        node = await self.node("n1")
        node.registration.renew()
        while not node.workers:
            await self.admin.values(["nothing"])
        self.assertEqual(node.workers[0], ["worker-7"])

    async def test_audiences_lead_to_the_nodes_that_hold_them(self) -> None:
        one, two = await self.node("n1"), await self.node("n2")
        await one.registration.join(["g~1", "g~2"])
        await two.registration.join(["g~2"])
        directory = self.directory()
        found = await directory.audiences(["g~1", "g~2", "g~3"])
        self.assertEqual(
            {key: list(held) for key, held in found.items()}, {"n1~g1": ["g~1", "g~2"], "n2~g1": ["g~2"]}
        )
        await one.registration.leave(["g~2"])
        self.assertEqual(dict(await directory.audiences(["g~2"])), {"n2~g1": ["g~2"]})
        await two.registration.close()
        await directory.refresh()
        self.assertEqual(dict(await directory.audiences(["g~2"])), {})

    async def test_an_establishment_holds_its_audiences(self) -> None:
        node = await self.node("n1")
        await node.registration.establish("g2", (), [f"g~{number}" for number in range(250)])
        self.assertEqual(list(await self.directory().audiences(["g~249"])), ["n1~g2"])

    async def test_two_clusters_on_one_redis_see_nothing_of_each_other(self) -> None:
        await self.node("n1", "g1", [PHONE])
        self.keys = type(self.keys)(f"{self.prefix}-other")
        await self.node("n1", "g1")
        self.assertEqual(await self.directory().locate(["alice"]), {})
        self.assertEqual(await self.directory().sessions(None), [])


class ConnectionTests(RedisCase):
    """A Redis that isn't as it should be is one sentence."""

    async def problem(self, url: str) -> str:
        self.url = url
        connection = self.connect()
        with self.assertRaises(UnavailableError) as caught:
            await connection.values(["nothing"])
        self.assertEqual(str(caught.exception), connection.problem)
        return str(caught.exception)

    async def test_one_that_asks_for_no_password_refuses_one(self) -> None:
        told = await self.problem(self.url.replace("redis://", "redis://:secret@"))
        self.assertNotIn("secret", told)
        self.assertIn("does not let us in", told)

    async def test_nobody_there_is_no_answer(self) -> None:
        self.assertEqual(await self.problem("redis://127.0.0.1:1/0"), "Redis at 127.0.0.1:1 does not answer")


class PlaceTests(SynchronousTestCase):
    """URLs."""

    def test_a_url_tells_all(self) -> None:
        self.assertEqual(place_of("rediss://u%40:p%2f@h:7/3"), ("h", 7, 3, "u@", "p/", True))
        self.assertEqual(place_of("redis://h"), ("h", 6379, 0, None, None, False))

    def test_wrong_ones_are_refused_without_their_password(self) -> None:
        for url in ("http://:secret@h", "redis://", "redis://:secret@h/x", "redis://:secret@h:99999"):
            with self.assertRaises(ValueError) as caught:
                place_of(url)
            self.assertNotIn("secret", str(caught.exception))
