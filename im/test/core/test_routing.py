"""Clients are led to where there is room, and back to where they were."""

from collections import Counter

from twisted.trial.unittest import SynchronousTestCase

from im.core.routing import Offer, ordered


def _names(user: str, *offers: Offer) -> list[str]:
    return [each.node for each in ordered(user, offers)]


class RoutingTests(SynchronousTestCase):
    def test_the_much_less_loaded_comes_first(self) -> None:
        busy, free = Offer("a", 900, 1_000), Offer("b", 100, 1_000)
        for number in range(20):
            self.assertEqual(_names(f"user-{number}", busy, free), ["b", "a"])

    def test_of_those_that_are_loaded_the_less_loaded_comes_first(self) -> None:
        offers = [Offer("a", 900, 1_000), Offer("b", 10, 1_000), Offer("c", 500, 1_000)]
        self.assertEqual(_names("alice", *offers), ["b", "c", "a"])

    def test_a_user_is_led_to_the_same_node_while_load_allows(self) -> None:
        before = _names("alice", Offer("a", 100, 1_000), Offer("b", 110, 1_000), Offer("c", 90, 1_000))
        after = _names("alice", Offer("c", 120, 1_000), Offer("a", 90, 1_000), Offer("b", 99, 1_000))
        self.assertEqual(before, after)

    def test_users_spread_over_equal_nodes(self) -> None:
        offers = [Offer(name, 0, 1_000) for name in "abcd"]
        first = Counter(_names(f"user-{number}", *offers)[0] for number in range(1_000))
        self.assertEqual(len(first), 4)
        self.assertGreater(min(first.values()), 150)

    def test_draining_and_full_nodes_are_left_out(self) -> None:
        offers = [Offer("a", 0, 1_000, "draining"), Offer("b", 1_000, 1_000), Offer("c", 5, 1_000)]
        self.assertEqual(_names("alice", *offers), ["c"])
        self.assertEqual(_names("alice", *offers[:2]), [])
