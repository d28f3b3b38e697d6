"""Draws mutants of the product by a seed and says which of them no test notices.

``python -m tests.mutants --seed 1 --count 100 --processes 2``. Ends with 1 if one survives.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.mutants.drawing import all_mutants, drawn
from tests.mutants.judging import Judged, judge, red_at_rest


def parsed(argv: Sequence[str]) -> argparse.Namespace:
    """Return the flags."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--only", default="", help="a part of the names of the files to change")
    parser.add_argument("--processes", type=int, default=1)
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Draw and judge; return the exit status."""
    flags = parsed(argv)
    begun_s = time.perf_counter()
    mutants = drawn(flags.seed, flags.count, all_mutants(flags.only))
    red = red_at_rest(mutants)
    if red:
        sys.stdout.write(f"tests fail although nothing is changed:\n{red}\n")
        return 1
    with ThreadPoolExecutor(flags.processes) as pool:
        judged = [show(one) for one in pool.map(judge, mutants)]
    survived = [one.mutant for one in judged if not one.is_noticed]
    took_s = time.perf_counter() - begun_s
    sys.stdout.write(f"seed {flags.seed}: {len(judged)} mutants in {took_s:.0f} s, {len(survived)} survived\n")
    sys.stdout.writelines(f"  {mutant}\n" for mutant in survived)
    return 1 if survived else 0


def show(judged: Judged) -> Judged:
    """Write what came of one."""
    sys.stdout.write(f"{judged.verdict.value:>16}  {judged.mutant}\n")
    sys.stdout.flush()
    return judged


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
