#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""compare.py BASE.log NEW.log: ratio NEW / BASE of each row (below 1: NEW is faster) and
their geometric mean. Refuses if the rows of the machine itself (cpu_*) differ."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from aegisvm import figures  # noqa: E402


def main(argv):
    if len(argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    base, new = (figures.load_log(path) for path in argv)
    different = figures.machine_differences(base, new)
    if different:
        print(f"compare.py: {', '.join(different)} differ: the runs do not compare", file=sys.stderr)
        return 2
    table = figures.compare(base, new)
    print("\n".join(figures.format_table(table)))
    mean = figures.geomean(table)
    if mean:
        count = sum(row["ratio"] is not None for row in table.values())
        print(f"geometric mean of {count} ratios: {mean:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
