#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""tests/abi/run for scripts/test: one architecture's two columns as KTAP.

usage: tests/abi/ktap.py --arch ARCH [--config debug] [--smp N] [--columns linux-ARCH,aegis-ARCH]

A test that differs and has a reason in known.tsv is reported as skipped, with the reason.
"""

import argparse
import importlib.machinery
import importlib.util
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from harness import ARCHES, COMPLAINT, OUT, Report, out_dir  # noqa: E402

loader = importlib.machinery.SourceFileLoader("abi_run", str(Path(__file__).resolve().parent / "run"))
abi = importlib.util.module_from_spec(importlib.util.spec_from_loader("abi_run", loader))
loader.exec_module(abi)


def differences(mine, theirs):
    import difflib
    return [line for line in difflib.unified_diff(theirs, mine, "linux", "aegis", n=1, lineterm="")][2:]


def compare(report, column, ours, theirs, known, varies):
    for test in sorted(theirs):
        mine = ours.get(test, ["-- not run"])
        if mine == theirs[test] or test in varies:
            report.passed(test)
        elif (test, column) in known:
            report.skip(test, f"known: {known[test, column]}")
        else:
            report.fail(test, *differences(mine, theirs[test])[:40],
                        f"again: tests/abi/run --columns {column.replace('aegis', 'linux')},{column} {test}")


def complaints(log):
    """What the kernel said that only a wrong kernel says; None: nothing."""
    lines = log.read_text(errors="replace").split("\n") if log.exists() else []
    return "\n".join(line for line in lines if COMPLAINT.search(line)) or None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--arch", required=True, choices=ARCHES)
    parser.add_argument("--config", default="default", help="the kernel's configuration")
    parser.add_argument("--smp", type=int, default=2, help="CPUs of each machine")
    parser.add_argument("--columns", help="the reference and the column to judge")
    args = parser.parse_args()
    reference, column = (args.columns or f"linux-{args.arch},aegis-{args.arch}").split(",")
    os.environ["O"] = str(out_dir(args.arch, args.config))       # where scripts/vm finds kernel and image
    out = OUT / ("abi" if args.config == "default" else f"abi-{args.config}")
    setup = argparse.Namespace(tests=[], out=out, timeout=500, smp=args.smp)
    report, results = Report(), {}
    for name in (reference, column):
        results[name], why = abi.run_column(name, setup)
        report.check(f"the tests run on {name}", why or None)
    if all(results.values()):
        known = abi.load_known()
        varies = abi.varying(reference, results[column], results[reference], setup,
                             {test for test, where in known if where == column})
        compare(report, column, results[column], results[reference], known, varies)
    report.check("the kernel has nothing to complain of", complaints(out / f"{column}.kernel.log"))
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
