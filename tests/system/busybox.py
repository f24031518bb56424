#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs Debian's busybox-static through busybox_session.sh on Linux and Aegis and compares; KTAP.

usage: tests/system/busybox.py --arch ARCH [--columns linux,aegis]    one architecture's columns
       tests/system/busybox.py --across                               Aegis's columns with each other

The binary is the package's own, unmodified, of the machine's architecture. What each kernel
printed stays in build/test/busybox/KERNEL-ARCH.txt. Linux's output is the expectation.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from harness import ARCHES, OUT, Report, vm  # noqa: E402
from session_diff import compare  # noqa: E402
from aegisvm import debian  # noqa: E402

HERE = Path(__file__).resolve().parent
BOX, SCRIPT, WORK = "/debian/busybox", "/debian/session.sh", "/tmp/busybox-session"
START = f'mkdir {WORK} && cd {WORK} && B={BOX} exec {BOX} sh {SCRIPT} 2>&1'


def saved(column):
    return OUT / "busybox" / f"{column}.txt"


def run_column(kernel, arch):
    """The session's output on one kernel; kept in a file."""
    path = saved(f"{kernel}-{arch}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    done = vm(arch, "sh", "-c", START, linux=kernel == "linux", seconds=400, log=path.with_suffix(".log"),
              options=["--smp", 2, "--put", f"{debian.busybox(arch)}:{BOX}",
                       "--put", f"{HERE / 'busybox_session.sh'}:{SCRIPT}"])
    path.write_text(done.out)
    return done


def columns(report, arch, kernels):
    done = {}
    for kernel in kernels:
        done[kernel] = run_column(kernel, arch)
        reached = "## end" in done[kernel].out and not done[kernel].status
        report.check(f"the session ends on {kernel}", None if reached else done[kernel].story())
    if len(kernels) == 2:
        compare(report, done[kernels[0]].out, done[kernels[1]].out, "")
    return report.end()


def across(report):
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
