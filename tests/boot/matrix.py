#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Boots every board with several CPU counts, memory sizes and configurations; prints KTAP.

usage: tests/boot/matrix.py --arch ARCH [--linux] smoke|boards|configs|list

What is booted follows from arch/*/boards/*/board.toml: a new board is in the matrix without a
word here. Each machine must report the architecture, CPUs and memory that it was given.
--linux boots Debian's kernel instead, to test this program.
"""

import argparse
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from harness import OUT, UNAME, Report, vm  # noqa: E402
from aegisvm import boards  # noqa: E402

CPUS = (1, 2, 4)
MEMORY = (16, 32, 128, 1024, 3072, 4096, 8192)     # MiB; around the 32-bit hole of PCs too
SLOW_CHAINS = ("grub-bios", "grub-uefi", "u-boot", "disk")
PROBE = "uname -m; nproc; grep MemTotal: /proc/meminfo; echo $((6 * 7))"


def cases(arch):
    """(board, CPUs, MiB, configuration) of every machine to boot."""
    default = boards.DEFAULT_BOARD[arch]
    for board in boards.all_boards():
        if board.arch != arch:
            continue
        usual = board.defaults["memory_mib"]
        for smp in CPUS[1:2] if board.boot in SLOW_CHAINS else CPUS:
            yield board, smp, usual, "default"
        if board.boot in SLOW_CHAINS:
            continue
        sizes = MEMORY if board.name == default else (board.limits["min_memory_mib"], MEMORY[-1])
        for size in sizes:
            if size >= board.limits["min_memory_mib"]:
                yield board, 1, size, "default"


def config_cases(arch):
    main = boards.get_board(arch, boards.DEFAULT_BOARD[arch])
    for config in ("debug", "tiny"):
        for smp in CPUS:
            yield main, smp, main.defaults["memory_mib"], config


def problem_of(done, arch, smp, mib):
    lines = done.out.split("\n")
    if done.status or len(lines) < 4 or lines[3] != "42":
        return done.story()
    if lines[0] != UNAME[arch]:
        return f"uname -m printed {lines[0]}"
    if lines[1] != str(smp):
        return f"{lines[1]} CPUs were found\n{done.story()}"
    found = int(re.search(r"(\d+) kB", lines[2])[1]) >> 10
    if not mib * 0.5 - 8 <= found <= mib:
        return f"{found} of {mib} MiB were found\n{done.story()}"
    bad = done.complaints()
    return "\n".join(bad + [done.story()]) if bad else None


def boot(report, arch, case, linux):
    board, smp, mib, config = case
    name = f"{board.name} {smp} CPU{'s' * (smp > 1)} {mib} MiB" + ("" if config == "default" else f" {config}")
    log = OUT / "boot" / f"{arch}-{name.replace(' ', '-')}.log"
    done = vm(arch, "sh", "-c", PROBE, linux=linux, config=config, log=log,
              options=["--board", board.name, "--smp", smp, "--mem", mib])
    report.check(name, problem_of(done, arch, smp, mib))


def smoke(report, arch, linux):
    seven = vm(arch, "sh", "-c", "exit 7", linux=linux, seconds=60)
    report.check("sh -c 'exit 7' exits with 7", seven.story() if seven.status != 7 else None)
    name = vm(arch, "uname", "-m", linux=linux, seconds=60)
    report.check("uname -m", name.story() if name.out != UNAME[arch] + "\n" else None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--arch", required=True, choices=list(UNAME))
    parser.add_argument("--linux", action="store_true", help="boot Debian's kernel")
    parser.add_argument("part", choices=["smoke", "boards", "configs", "list"])
    args = parser.parse_args()
    if args.part == "list":
        for board, smp, mib, config in [*cases(args.arch), *config_cases(args.arch)]:
            print(board.name, smp, mib, config)
        return 0
    report = Report()
    if args.part == "smoke":
        smoke(report, args.arch, args.linux)
    else:
        for case in (cases if args.part == "boards" else config_cases)(args.arch):
            boot(report, args.arch, case, args.linux)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
