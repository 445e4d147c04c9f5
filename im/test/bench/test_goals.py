"""Goals are missed by what is too high, invalid, unmeasured or unfaithful."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from im.bench.goals import GOALS, missed


def perfect() -> list[dict[str, Any]]:
    """Rows that just meet every goal."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for goal in GOALS:
        row = rows.setdefault(
            (goal.scenario, goal.variant), {"scenario": goal.scenario, "variant": goal.variant, "lost": 0}
        )
        row[goal.field] = goal.most
    return list(rows.values())


class GoalsTests(SynchronousTestCase):
    def test_what_just_meets_its_goals_misses_none(self) -> None:
        self.assertEqual([], missed(perfect()))

    def test_a_figure_above_its_goal_is_named(self) -> None:
        rows = perfect()
        rows[0]["normalised_cpu_us_per_message"] += 1
        self.assertEqual(["chat one normalised_cpu_us_per_message <= 85"], missed(rows))

    def test_what_did_not_run_is_missed(self) -> None:
        self.assertEqual(len(GOALS), len(missed([])))

    def test_an_invalid_row_misses_its_goals(self) -> None:
        rows = perfect()
        rows[0]["invalid"] = "drift"
        self.assertEqual(1, len(missed(rows)))

    def test_a_lost_message_is_a_missed_goal_in_any_scenario(self) -> None:
        rows = [*perfect(), {"scenario": "offline", "variant": "store", "lost": 2}]
        self.assertEqual(["offline store lost = 0"], missed(rows))
