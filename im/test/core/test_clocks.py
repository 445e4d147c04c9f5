"""Stalls of node time and jumps of the wall clock."""

from twisted.trial.unittest import SynchronousTestCase

from im.core.clocks import REMEMBERED_STALLS, JumpWatch, Stalls


class StallTests(SynchronousTestCase):
    def test_what_was_left_out_adds_up_from_tick_to_tick(self) -> None:
        stalls = Stalls()
        stalls.note(10, 2.0)
        stalls.note(20, 3.0)
        self.assertEqual([0.0, 2.0, 2.0, 5.0], [stalls.before(tick) for tick in (9, 10, 19, 20)])

    def test_only_near_stalls_are_around_a_tick(self) -> None:
        stalls = Stalls()
        stalls.note(10, 2.0)
        self.assertEqual([0.0, 2.0, 2.0, 0.0], [stalls.around(tick, 3) for tick in (6, 7, 13, 14)])

    def test_what_is_forgotten_stays_in_the_sum(self) -> None:
        stalls = Stalls()
        for tick in range(REMEMBERED_STALLS + 50):
            stalls.note(tick, 1.0)
        self.assertEqual(REMEMBERED_STALLS + 50, stalls.before(10_000))
        self.assertEqual(50, stalls.before(0))


class JumpTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.watch = JumpWatch(5.0, 1_000_000)

    def test_clocks_that_go_together_do_not_jump(self) -> None:
        self.assertEqual(0, self.watch.look(6.0, 1_001_000))
        self.assertEqual(0, self.watch.look(3_606.0, 4_601_000))

    def test_a_jump_is_told_once_either_way(self) -> None:
        self.assertEqual(60_000, self.watch.look(6.0, 1_061_000))
        self.assertEqual(0, self.watch.look(7.0, 1_062_000))
        self.assertEqual(-90_000, self.watch.look(8.0, 973_000))

    def test_another_pace_is_followed(self) -> None:
        for second in range(1, 5_000):
            self.assertEqual(0, self.watch.look(5.0 + second, round(1_000_000 + second * 1_000.5)))

    def test_small_jumps_add_up_to_one(self) -> None:
        told = [self.watch.look(5.0 + second, 1_000_000 + second * 1_100) for second in range(1, 31)]
        self.assertLess(abs(3_000 - sum(told)), 300)
        self.assertGreater(sum(map(bool, told)), 5)
