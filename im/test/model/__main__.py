"""`python -m im.test.model`: the model by hand, with as many examples as one has time for."""

import argparse
import time
from collections.abc import Sequence
from random import SystemRandom

from im.test.model.machine import ModelMachine, PostgresMachine, run

AT_ONCE = 250
"""Examples of one seed: Hypothesis keeps a tree of all that it played."""

MACHINES = {"sqlite": ModelMachine, "postgres": PostgresMachine}


def main(arguments: Sequence[str] | None = None) -> int:
    """Play examples and say how many, or fail with the shortest that shows a difference."""
    parser = argparse.ArgumentParser(prog="python -m im.test.model", description=__doc__)
    parser.add_argument("--examples", type=int, default=5_000, metavar="N", help="default 5000")
    parser.add_argument("--on", choices=sorted(MACHINES), default="sqlite", help="default sqlite")
    parser.add_argument(
        "--seed", type=int, metavar="S", help="play the examples of this seed, which come first"
    )
    given = parser.parse_args(arguments)
    seed = SystemRandom().randrange(1 << 32) if given.seed is None else given.seed
    began = time.monotonic()
    for done in range(0, given.examples, AT_ONCE):
        print(f"--seed {seed + done}", flush=True)
        run(MACHINES[given.on], min(AT_ONCE, given.examples - done), seed + done)
    print(f"{given.examples} examples on {given.on} in {time.monotonic() - began:.0f} s: no difference")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
