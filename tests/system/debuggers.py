#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs Debian's strace and gdb in debuggers_session.sh on Linux and Aegis and compares; KTAP.

usage: tests/system/debuggers.py --arch ARCH [--columns linux,aegis] [--config C]

The programs are the packages' own with their shared libraries, unmodified. Numbers of processes and
addresses are taken out of what they print; Linux's output is the expectation. It stays in
build/test/debuggers/KERNEL-ARCH.txt. Without the packages the lane is skipped.
"""

import argparse
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from busybox import compare  # noqa: E402
from harness import ARCHES, OUT, Report, compile_guest, vm  # noqa: E402
from aegisvm import debian, debroot  # noqa: E402
from aegisvm.errors import VmError  # noqa: E402

HERE = Path(__file__).resolve().parent
LIBRARIES = """libc6 libgcc-s1 libstdc++6 libunwind8 liblzma5 libreadline8 libtinfo6 zlib1g libzstd1 libexpat1
    libgmp10 libxxhash0 libdebuginfod1 libelf1 libcurl3-gnutls libnghttp2-14 libidn2-0 librtmp1 libssh2-1 libpsl5
    libnettle8 libhogweed6 libgnutls30 libgssapi-krb5-2 libkrb5-3 libk5crypto3 libkrb5support0 libcom-err2
    libkeyutils1 libldap-2.5-0 libsasl2-2 libbrotli1 libunistring2 libp11-kit0 libtasn1-6 libffi8 libssl3""".split()
MORE = {"x86_64": ["libipt2"], "arm64": []}
PROGRAMS = {"strace": "usr/bin/strace", "gdb-minimal": "usr/bin/gdb"}
# What differs from run to run: numbers of processes and threads, addresses, times.
NOISE = [(re.compile(r"\b(LWP|[Pp]rocess|Thread|pid) \d+"), r"\1 N"), (re.compile(r"0x[0-9a-f]{5,}"), "ADDR"),
         (re.compile(r"si_(pid|uid|utime|stime)=\d+( /\*[^*]*\*/)?"), r"si_\1=N"), (re.compile(r"kill\(\d+"), "kill(N"),
         (re.compile(r"\) += "), ") = "), (re.compile(r"^\[(Switching to|Attaching after|New|Detaching after).*$", re.M), ""),
         (re.compile(r"[^ \n]*(debuggee\.c)"), r"\1"), (re.compile(r"^.*No such file or directory\.$", re.M), "")]


def files(arch):
    found = {}
    for package, program in PROGRAMS.items():
        found |= debroot.files(arch, package, program, LIBRARIES + MORE[arch])
    libc = debian.package("libc6", arch)
    for name in ("UTF-32.so", "gconv-modules"):	# gdb converts strings with iconv
        path = f"usr/lib/{debroot.TRIPLET[arch]}/gconv/{name}"
        found[f"/{path}"] = libc / path
    return found


def tidy(text):
    for pattern, instead in NOISE:
        text = pattern.sub(instead, text)
    return "\n".join(line.rstrip() for line in text.split("\n") if line.strip())


def run_column(kernel, arch, found, args):
    path = OUT / "debuggers" / f"{kernel}-{arch}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    program = compile_guest(arch, [HERE / "debuggee.c"], "debuggee", flags=["-g", "-O0", "-no-pie", "-pthread"])
    put = {"/debuggers/debuggee": program, "/debuggers/session.sh": HERE / "debuggers_session.sh", **found}
    options = ["--smp", 4 if args.config == "debug" else 2, "--mem", 512]
    for place, file in put.items():
        options += ["--put", f"{file}:{place}"]
    done = vm(arch, "sh", "/debuggers/session.sh", linux=kernel == "linux", seconds=args.seconds,
              log=path.with_suffix(".log"), options=options, config=args.config)
    done.out = tidy(done.out)
    path.write_text(done.out)
    return done


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--arch", required=True, choices=ARCHES)
    parser.add_argument("--columns", default="linux,aegis")
    parser.add_argument("--config", default="default")
    parser.add_argument("--seconds", type=int, default=500)
    args = parser.parse_args()
    report = Report()
    try:
        found = files(args.arch)
    except VmError as error:
        report.skip("strace and gdb", f"cannot be fetched: {error}")
        return report.end()
    done = {kernel: run_column(kernel, args.arch, found, args) for kernel in args.columns.split(",")}
    for kernel, ran in done.items():
        good = "## end" in ran.out and not ran.status
        report.check(f"the session ends on {kernel}", None if good else ran.story())
        if kernel == "aegis":
            report.check("the kernel has no complaint", "\n".join(ran.complaints()))
    if len(done) == 2:
        compare(report, done["linux"].out, done["aegis"].out, "")
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
