"""A worker that was started again does not share with what it was before."""

from twisted.trial.unittest import SynchronousTestCase

from im.tap.cluster.workers import without_earlier


class EarlierIncarnationTests(SynchronousTestCase):
    def test_an_earlier_incarnation_is_not_taken_for_alive(self) -> None:
        self.assertEqual(["a-2", "b-1"], without_earlier("a-2", ["a-1", "a-2", "b-1"]))

    def test_it_is_left_out_before_the_present_one_is_seen(self) -> None:
        self.assertEqual(["b-1"], without_earlier("a-2", ["a-1", "b-1"]))

    def test_a_worker_whose_name_begins_alike_is_another(self) -> None:
        self.assertEqual(["a-b-1"], without_earlier("a-2", ["a-1", "a-b-1"]))
