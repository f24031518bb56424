#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Loads that the kernel must survive with its memory intact (stress.c), storms of random calls on few
objects (storm.c), and tracers and tracees in disorder (trace.c); prints KTAP.

usage: tests/system/robust.py --arch ARCH [--linux] [--config C] [--level L] [NAME...]

How long they are follows the level (quick, ci, long; TEST_LEVEL). The kernel is the debug configuration,
with four CPUs; one word of complaint in its log is a failure.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from harness import ARCHES, LEVEL, OUT, Report, compile_guest, vm  # noqa: E402

HERE = Path(__file__).resolve().parent
SOURCES = {"stress": [HERE / "stress.c", HERE / "stress_sockets.c"], "storm": [HERE / "storm.c"],
           "trace": [HERE / "trace.c"]}
SIZES = {"quick": 0, "ci": 1, "long": 2}
# name: (what is proved, MiB, count for each level, seconds for each level)
LOADS = {
    "crash": ("crashing processes leave memory where it was", 256, (100, 1000, 10000), (60, 200, 1200)),
    "forkexec": ("fork, exec, exit leaks nothing", 256, (200, 2000, 100000), (60, 300, 7200)),
    "alive": ("processes alive at once", 2048, (100, 500, 10000), (60, 300, 900)),
    "bomb": ("a fork bomb stays under its limit", 256, (50, 200, 1000), (60, 120, 300)),
    "elf": ("malformed programs are refused or killed", 256, (50, 500, 5000), (120, 400, 7200)),
    "storm": ("random calls on the same few objects", 512, (10, 30, 1000), (120, 300, 7200)),
    "trace": ("tracers and tracees in disorder leave nothing", 256, (5, 40, 1000), (60, 400, 7200)),
    "greedy": ("memory, stack or descriptors without end cost one process", 128, (1, 3, 30), (60, 120, 900)),
    "sockets": ("sockets sent over sockets, in circles, leave nothing", 256, (300, 1500, 100000), (60, 200, 1800)),
}
SHELL = {
    "yes | head": ("yes | head -n 3; yes | head -n 1", "y\ny\ny\ny\n"),
    "a closed pipe": ("(yes; echo $? >&2) 2>&1 | head -n 1; sh -c 'kill -PIPE $$'; echo $?", "y\n141\n"),
    "a killed child": ("sleep 100 & kill -9 $!; wait $!; echo $?", "137\n"),
}


def load(report, args, name, programs):
    what, mib, counts, seconds = LOADS[name]
    level = SIZES[args.level]
    program = programs.get(name, programs["stress"])
    words = {"storm": ["all"], "trace": []}.get(name, [name])
    done = vm(args.arch, "/bin/load", *words, counts[level], linux=args.linux, config=args.config,
              seconds=seconds[level], log=OUT / "robust" / f"{args.arch}-{name}.log",
              options=["--smp", 4, "--mem", mib, "--put", f"{program}:/bin/load"])
    bad = "" if args.linux else "\n".join(done.complaints())
    print(f"# {name}: {done.out.strip()} ({done.seconds:.0f} s)")
    report.check(f"{name} {counts[level]}: {what}", f"{bad}\n{done.story(20)}" if done.status or bad else None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--arch", required=True, choices=ARCHES)
    parser.add_argument("--linux", action="store_true", help="on Debian's kernel")
    parser.add_argument("--config", default="debug")
    parser.add_argument("--level", default=LEVEL, choices=SIZES)
    parser.add_argument("names", nargs="*", metavar="NAME", help=" ".join(LOADS))
    args = parser.parse_args()
    if unknown := set(args.names) - set(LOADS):
        parser.error(f"unknown: {' '.join(unknown)}")
    report = Report()
    programs = {name: compile_guest(args.arch, sources, name, flags=["-pthread"]) for name, sources in SOURCES.items()}
    for name in args.names or LOADS:
        load(report, args, name, programs)
    for name, (script, wanted) in SHELL.items() if not args.names else ():
        done = vm(args.arch, "sh", "-c", script, linux=args.linux, config=args.config, seconds=60,
                  options=["--smp", 4])
        report.check(name, None if done.out == wanted else done.story())
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
