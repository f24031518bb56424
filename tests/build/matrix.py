#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Builds the tree as users do and checks what the build promises; prints KTAP.

usage: tests/build/matrix.py --arch ARCH default|debug|tiny|more

A configuration (default: with the userland) is left in build/test/out/ARCH-CONFIG for the machine
tests. more: clang, two builds with identical bytes, a build with nothing to do, a build
after one changed file, and mistakes that must end in one clear line.
"""

import argparse
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from harness import OUT, TOP, Report, out_dir, run  # noqa: E402

ONE_FILE = "lib/string.c"
RESULTS = {"x86_64": ["kernel.elf", "initramfs.cpio"], "arm64": ["Image", "initramfs.cpio"]}
LONG = 1200                     # seconds; cold caches compile musl and fetch sources


def make(arch, out, *goals, seconds=LONG):
    return run(["make", f"ARCH={arch}", f"O={out.relative_to(TOP)}", *goals], seconds)


def configure(arch, out, config):
    out.mkdir(parents=True, exist_ok=True)
    return make(arch, out, "defconfig" if config == "default" else f"{config}_defconfig", seconds=60)


def build(report, arch, config, *goals, out=None, name=None):
    """Configures and builds; True if it worked, so that the caller can go on."""
    out = out or out_dir(arch, config)
    done = configure(arch, out, config)
    if not done.status:
        done = make(arch, out, *goals)
    report.check(name or f"{config} configuration builds", done.story(40) if done.status else None)
    return not done.status


def configuration(report, arch, config):
    if config == "default":
        userland = make(arch, out_dir(arch), "-f", "usr/usr.mk", "userland")
        report.check("userland builds", userland.story(40) if userland.status else None)
    if build(report, arch, config, "all"):
        report.check(f"{config}: a build with nothing to do prints nothing",
                     nothing_to_do(arch, out_dir(arch, config)))


def nothing_to_do(arch, out):
    done = make(arch, out, "all")
    return done.story() if done.status or done.out.strip() or done.err.strip() else None


def no_op_is_fast(report, arch):
    best = min(make(arch, out_dir(arch), "all").seconds for _ in range(5))
    report.check("a build with nothing to do takes less than a second",
                 f"the fastest of five took {best:.2f} s" if best >= 1 else None)


def one_file(report, arch):
    """A newer source compiles one file and links."""
    path = TOP / ONE_FILE
    kept = path.stat()
    path.touch()
    try:
        done = make(arch, out_dir(arch), "all")
    finally:
        time.sleep(0.01)
    compiled = [line for line in done.out.split("\n") if line.split()[:1] in (["CC"], ["AS"], ["USRCC"])]
    good = not done.status and len(compiled) == 1 and kept.st_size == path.stat().st_size
    report.check("one changed file compiles one file", None if good else done.story(40))


def same_bytes(report, arch):
    """A second build in another folder, from nothing."""
    out = OUT / "out" / f"{arch}-again-elsewhere"
    shutil.rmtree(out, ignore_errors=True)
    if not build(report, arch, "default", "all", out=out, name="a second build elsewhere"):
        return
    for name in RESULTS[arch]:
        one, two = out_dir(arch) / name, out / name
        differ = one.read_bytes() != two.read_bytes()
        report.check(f"two builds give the same {name}",
                     f"again: cmp {one.relative_to(TOP)} {two.relative_to(TOP)}" if differ else None)


def bad_use(report, arch):
    """Mistakes end in one clear line and a status that is not 0."""
    cases = [
        ("an unknown architecture", ["make", "ARCH=vax"], "choose one of"),
        ("an unknown board", ["make", f"ARCH={arch}", "BOARD=toaster"], "choose one of"),
        ("a missing compiler", ["make", f"ARCH={arch}", f"O=build/test/out/{arch}-bad",
                                "CROSS_COMPILE=no-such-", "kernel"], "run scripts/setup"),
        ("an unknown board of scripts/vm", ["scripts/vm", "--arch", arch, "--board", "toaster"], "toaster"),
        ("a wrong hash", ["sh", "-c", "d=$(mktemp -d) && sed 's/[0-9a-f]\\{64\\}$/'$(printf %064d 0)'/' "
                          "usr/third-party/pins.tsv >$d/pins && AEGIS_CACHE=$d AEGIS_PINS=$d/pins "
                          "scripts/fetch dash; s=$?; rm -rf $d; exit $s"], "hash"),
    ]
    for name, words, message in cases:
        done = run(words, 120)
        said = message.lower() in (done.out + done.err).lower()
        report.check(f"{name} is refused", done.story() if done.status in (0, 124) or not said else None)


def more(report, arch):
    no_op_is_fast(report, arch)
    same_bytes(report, arch)
    one_file(report, arch)
    build(report, arch, "default", "LLVM=1", "kernel", out=out_dir(arch, "clang"), name="clang builds the kernel")
    bad_use(report, arch)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--arch", required=True, choices=list(RESULTS))
    parser.add_argument("part", choices=["default", "debug", "tiny", "more"])
    args = parser.parse_args()
    report = Report()
    more(report, args.arch) if args.part == "more" else configuration(report, args.arch, args.part)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
