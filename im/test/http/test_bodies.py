from twisted.trial.unittest import SynchronousTestCase

from im.http.bodies import MAX_HELD_BYTES, SHARE_BYTES, HeldBodies, source_of


class HeldBodiesTests(SynchronousTestCase):
    def test_each_source_has_its_share_and_all_have_a_bound(self) -> None:
        held = HeldBodies()
        sources = [f"192.0.2.{number}" for number in range(MAX_HELD_BYTES // SHARE_BYTES)]
        for source in sources:
            self.assertTrue(held.take(source, SHARE_BYTES))
            self.assertFalse(held.take(source, 1))
        self.assertFalse(held.take("198.51.100.1", 1))
        held.release(sources[0], SHARE_BYTES)
        self.assertTrue(held.take("198.51.100.1", 1))
        self.assertEqual(MAX_HELD_BYTES - SHARE_BYTES + 1, held.total)

    def test_an_ipv6_client_has_one_share_for_all_addresses_of_its_network(self) -> None:
        self.assertEqual(source_of("2001:db8:0:1::1"), source_of("2001:db8:0:1:ffff::2"))
        self.assertNotEqual(source_of("2001:db8:0:1::1"), source_of("2001:db8:0:2::1"))
        self.assertNotEqual(source_of("::ffff:192.0.2.1"), source_of("::ffff:192.0.2.2"))
        self.assertEqual(["192.0.2.1", ""], [source_of("192.0.2.1"), source_of("")])
