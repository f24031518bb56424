#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Debian configures itself in Aegis: debootstrap's second stage, then dpkg's own audit; KTAP.

usage: tests/system/debian_second_stage.py --arch ARCH [--linux]
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from harness import ARCHES, OUT, Report, vm  # noqa: E402

STAGE = """/debootstrap/debootstrap --second-stage || { tail -n 30 /debootstrap/debootstrap.log; exit 1; }
echo "audit: [$(dpkg --audit 2>&1)]"
echo "not installed: [$(dpkg-query -W -f '${db:Status-Abbrev}\\n' | grep -vc '^ii ')]"
echo "user: $(su -s /bin/sh -c 'id -un' nobody)"
bash -lc 'echo "bash: $((6 * 7))"'"""
EXPECTED = ["audit: []", "not installed: [0]", "user: nobody", "bash: 42"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--arch", choices=ARCHES, required=True)
    parser.add_argument("--linux", action="store_true")
    args = parser.parse_args()
    report = Report()
    done = vm(args.arch, "bash", "-c", STAGE, linux=args.linux, seconds=2400,
              log=OUT / "debian" / f"second-stage-{args.arch}.log",
              options=["--smp", 2, "--root", "debian"])
    report.check("the second stage ends without an error", None if not done.status else done.story(40))
    lines = done.out.split("\n")
    for line in EXPECTED:
        report.check(line, None if line in lines else done.story(40))
    report.check("the kernel does not complain", "\n".join(done.complaints()) or None)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
