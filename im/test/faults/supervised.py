"""What `scripts/run` runs, with the fail-points of `im.testing.failpoints` in its node."""

import os
import signal
import sys

from im.tap.supervisor import _WATCHED, Plan, Supervisor, _say, read_plan


class FailingPlan(Plan):
    """The same command line, behind the fail-points."""

    def command(self) -> list[str]:
        """See `Plan.command`."""
        python, _, *arguments = super().command()
        return [python, "-m", "im.testing.failpoints", "--", *arguments]


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    raise SystemExit(Supervisor(FailingPlan(*read_plan(sys.argv[1:], os.environ)), os.environ, _say).run())
