# SPDX-License-Identifier: MIT
"""Reading osbench's output and comparing two runs: rows, ratios, geometric mean, gates."""

import math
import re

from .errors import VmError
from .paths import TREE

BENCH_DIR = TREE / "tests" / "bench"
ROW = re.compile(r"^(?:\[?\s*[\d.]+\]? )?([a-z]\w*)\t(?:(\d+)\t([\d.]+)\t([\d.]+)|(FAIL|SKIP)\t(.*))")
MARKER = re.compile(r"# osbench: boot-marker cycles=(\d+) hz=(\d+)")
MEMINFO = re.compile(r"# /proc/meminfo: (\w+):\s+(\d+) kB")
MACHINE_TOLERANCE = 0.02    # cpu_* rows may differ by this much, or the runs do not compare


def parse_row(line):
    """(name, ns or None, reason or None) of one line of output, or None if it is no row."""
    found = ROW.match(line)
    if not found:
        return None
    name, _, best, _, verdict, reason = found.groups()
    if verdict:
        return name, None, f"{verdict} {reason}".strip()
    return name, float(best), None


def load_log(path):
    """Rows of a saved log: {name: (ns, reason)}."""
    rows = {}
    with open(path, errors="replace") as log:
        for line in log:
            row = parse_row(line.rstrip("\r\n"))
            if row:
                rows[row[0]] = row[1:]
    return rows


def is_machine_row(name):
    return name.startswith("cpu_")


def compare(base, new):
    """{name: {linux, aegis, ratio[, reason]}} in base's order; cpu_* rows are left out."""
    table = {}
    for name, (x, why_x) in base.items():
        y, why_y = new.get(name, (None, "not run"))
        if is_machine_row(name):
            continue
        row = {"linux": x, "aegis": y, "ratio": y / x if x and y is not None else None}
        if row["ratio"] is None:
            row["reason"] = why_y or why_x
        table[name] = row
    return table


def machine_differences(base, new):
    """The cpu_* rows that differ: then the two runs are not comparable."""
    return [name for name, (x, _) in base.items()
            if is_machine_row(name) and x and new.get(name, (None,))[0]
            and abs(new[name][0] / x - 1) > MACHINE_TOLERANCE]


def geomean(table):
    logs = [math.log(row["ratio"]) for row in table.values() if row["ratio"]]
    return math.exp(sum(logs) / len(logs)) if logs else None


def worst_row(table):
    return max((row["ratio"] for row in table.values() if row["ratio"]), default=None)


def format_table(table, goals=None):
    """Lines of the table as people read it."""
    goals = goals or {}
    yield f"{'row':24}{'linux':>14}{'aegis':>14}{'ratio':>8}{'goal':>7}"
    for name, row in table.items():
        goal = goals.get(name)
        tail = f"{goal:7.2f}" if goal else f"{'':7}"
        linux = f"{row['linux']:14,.1f}" if row["linux"] else f"{'-':>14}"
        if row["ratio"] is None:
            yield f"{name:24}{linux}{'-':>14}{'-':>8}{tail}  {row['reason']}"
            continue
        mark = "  above goal" if goal and row["ratio"] > goal else ""
        yield f"{name:24}{linux}{row['aegis']:14,.1f}{row['ratio']:8.3f}{tail}{mark}"


def _tsv(name):
    with open(BENCH_DIR / name) as file:
        return [line.rstrip("\n").split("\t") for line in file if line.strip() and line[0] != "#"]


def goals():
    """Goal ratio of each row, from tests/bench/goals.tsv."""
    return {cells[0]: float(cells[3]) for cells in _tsv("goals.tsv")}


def rows_missing(table):
    """How many rows have no ratio: a good mean of few rows is no good mean."""
    return sum(row["ratio"] is None for row in table.values())


def _ratio_text(cells):
    return f"{cells['ratio']:.3f}" if cells["ratio"] else cells["reason"]


def gate(name, arch, table, figures):
    """Lines of what misses the gate `name` (first, goal, or rows); empty when it passes."""
    if name == "rows":
        limits = goals()
        return [f"{row}: {_ratio_text(cells)}, goal {limits[row]:.2f}"
                for row, cells in table.items()
                if row in limits and not (cells["ratio"] and cells["ratio"] <= limits[row])]
    wanted = [cells for cells in _tsv("gates.tsv") if cells[0] == name]
    if not wanted:
        raise VmError(f"--gate: '{name}' is none of first, goal, rows")
    misses = []
    for _, figure, x86_64, arm64 in wanted:
        limit, value = float(x86_64 if arch == "x86_64" else arm64), figures.get(figure)
        if value is None:
            misses.append(f"{figure}: not measured (limit {limit:g})")
        elif value > limit:
            misses.append(f"{figure}: {value:g} above {limit:g}")
    return misses
