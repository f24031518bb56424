#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs Debian's own programs through debian_session.sh on Linux and Aegis and compares; KTAP.

usage: tests/system/debian.py --arch ARCH [--columns linux,aegis]    one architecture's columns
       tests/system/debian.py --across                               Aegis's columns with each other

The root is Debian's minbase system, unpacked and not configured (scripts/debian-root); where that cannot
be fetched, the lane is skipped. What each kernel printed stays in build/test/debian/KERNEL-ARCH.txt. Linux's
output is the expectation.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from harness import ARCHES, OUT, TOP, Report, run, vm  # noqa: E402
from session_diff import compare  # noqa: E402

HERE = Path(__file__).resolve().parent
SCRIPT, WORK = "/session.sh", "/tmp/session"
START = f"mkdir {WORK} && cd {WORK} && exec bash {SCRIPT} 2>&1"


def saved(column):
    return OUT / "debian" / f"{column}.txt"


def run_column(kernel, arch):
    """The session's output on one kernel; kept in a file."""
    path = saved(f"{kernel}-{arch}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    done = vm(arch, "bash", "-c", START, linux=kernel == "linux", seconds=1200, log=path.with_suffix(".log"),
              options=["--smp", 2, "--root", "debian", "--put", f"{HERE / 'debian_session.sh'}:{SCRIPT}"])
    path.write_text(done.out)
    return done


def root_problem(arch):
    """Why there is no root to boot; None: there is one."""
    made = run([TOP / "scripts/debian-root", "--arch", arch], 1800)
    return None if made.status == 0 else (made.err.strip().splitlines() or [f"status {made.status}"])[-1]


def columns(report, arch, kernels):
    done = {}
    for kernel in kernels:
        saved(f"{kernel}-{arch}").unlink(missing_ok=True)
    problem = root_problem(arch)
    if problem:
        report.skip("Debian's programs", problem)
        return report.end()
    for kernel in kernels:
        done[kernel] = run_column(kernel, arch)
        reached = "## end" in done[kernel].out and not done[kernel].status
        report.check(f"the session ends on {kernel}", None if reached else done[kernel].story())
    if len(kernels) == 2:
        compare(report, done[kernels[0]].out, done[kernels[1]].out, "")
    return report.end()


def across(report):
    missing = [arch for arch in ARCHES if not saved(f"aegis-{arch}").exists()]
    if missing:
        report.skip("Debian's programs", f"the session did not run on {' and '.join(missing)}")
        return report.end()
    one, two = (saved(f"aegis-{arch}").read_text() for arch in ARCHES)
    compare(report, one, two, " on both architectures")
    return report.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--arch", choices=ARCHES)
    what.add_argument("--across", action="store_true")
    parser.add_argument("--columns", default="linux,aegis")
    args = parser.parse_args()
    if args.across:
        return across(Report())
    return columns(Report(), args.arch, args.columns.split(","))


if __name__ == "__main__":
    sys.exit(main())
