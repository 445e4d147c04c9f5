"""What `scripts/run` runs, with the fail-points of `im.testing.failpoints` in its node."""

from unittest.mock import patch

from im.tap.supervisor import Plan, main

plain_command = Plan.command


def failing_command(plan: Plan) -> list[str]:
    """The same command line, behind the fail-points."""
    python, _, *arguments = plain_command(plan)
    return [python, "-m", "im.testing.failpoints", "--", *arguments]


if __name__ == "__main__":
    with patch.object(Plan, "command", failing_command):
        raise SystemExit(main())
