"""Breaks promises one by one and demands that tests notice: ``python -m tests.mutations --processes 2``.

Ends with 1 if a mutation survives one of its tests.
"""

import argparse
import sys
import time
from collections.abc import Sequence

from tests.mutations.running import Finding, check_all, red_at_rest
from tests.mutations.table import MUTATIONS


def parsed(argv: Sequence[str]) -> argparse.Namespace:
    """Return the flags."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("--only", default="", help="a part of the names of those to check")
    parser.add_argument("--processes", type=int, default=1)
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Check; return the exit status."""
    flags = parsed(argv)
    begun_s = time.perf_counter()
    chosen = [mutation for mutation in MUTATIONS if flags.only in mutation.name]
    red = red_at_rest(sorted({test for mutation in chosen for test in mutation.tests}))
    if red:
        sys.stdout.write("\n".join(["these fail although nothing is broken:", *red, ""]))
        return 1
    findings = [show(finding) for finding in check_all(chosen, flags.processes)]
    missed = sum(not finding.is_noticed for finding in findings)
    sys.stdout.write(f"{len(findings)} mutations in {time.perf_counter() - begun_s:.1f} s, {missed} not noticed\n")
    return 1 if missed else 0


def show(finding: Finding) -> Finding:
    """Write what came of one."""
    how = "noticed" if finding.is_noticed else "NOT NOTICED"
    lines = [f"{how:>12}  {finding.mutation.name}{' (hangs)' if finding.is_hung else ''}"]
    lines += [f"{'':14}survived {test}" for test in finding.survived]
    sys.stdout.write("\n".join([*lines, *finding.said.splitlines(), ""]))
    sys.stdout.flush()
    return finding


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
