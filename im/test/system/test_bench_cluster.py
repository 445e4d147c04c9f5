"""`imctl bench cluster` measures a real cluster, tells its parts apart, and leaves nothing behind."""

from pathlib import Path

from twisted.trial.unittest import TestCase

from im.bench.cluster import cluster, group_of
from im.bench.measured import Options


def leftovers() -> set[Path]:
    """What a bench would have left."""
    return set(Path("/tmp").glob("im-bench-cluster-*"))


class BenchClusterTests(TestCase):
    uses_processes = True
    timeout = 120

    def test_chat_and_a_group_across_two_nodes_are_measured_by_part_and_nothing_is_lost(self) -> None:
        before = leftovers()
        variants = cluster(Options(seconds=1.0))
        try:
            variant, figures = next(variants)[:2]
        finally:
            variants.close()
        self.assertEqual("saturation", variant)
        self.assertEqual((0, 0, 0), (figures["lost"], figures["duplicated"], figures["reordered"]))
        self.assertEqual({"gateway", "business", "broker", "redis", "database"}, figures["parts"].keys())
        self.assertGreater(figures["parts"]["business"], 0)
        self.assertGreater(figures["messages"], figures["amqp_messages"])
        self.check_a_group()
        self.assertEqual(before, leftovers())

    def check_a_group(self) -> None:
        variant, figures, *_ = group_of(Options(seconds=1.0, members=40))
        self.assertEqual("cluster", variant)
        self.assertEqual((0, 0, 0), (figures["lost"], figures["duplicated"], figures["reordered"]))
        self.assertGreater(figures["messages"], 39)
        self.assertGreater(figures["parts"]["gateway"], 0)
