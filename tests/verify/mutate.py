#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Mutation testing of the capability core: small faults are put into core.c, one at a time, and the unit tests
and the explorer have to notice each.

usage: tests/verify/mutate.py [--every N] [--states N] [--list] [--out DIR]

A mutant that nobody can tell from the original has a line in mutants-equal.tsv: its text and the reason.
Prints KTAP: one test, "at least 95 % are killed"; the survivors are named in comments.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
CORE = TOP / "security/cap/core.c"
WANTED = 0.95

# What is replaced by what, within code.
SWAPS = [(r" == ", " != "), (r" != ", " == "), (r" < ", " <= "), (r" <= ", " < "), (r" > ", " >= "),
         (r" >= ", " > "), (r" && ", " || "), (r" \|\| ", " && "), (r"(?<=[(\s])!(?=[\w(*])", ""),
         (r" \+ 1\b", " + 2"), (r" = 0;", " = 1;"), (r"\breturn true;", "return false;"),
         (r"\breturn false;", "return true;"), (r" & ~", " & "), (r" \|= ", " = "), (r" &= ", " = "),
         (r" \| ", " & "), (r" >> ", " << "), (r" \? ", " ?: "), (r" = 1;", " = 2;")]
STATEMENT = re.compile(r"^\t+(?!return|if|for|while|switch|case|do|else|struct|union|unsigned|uint|const|static|enum)"
                       r"[\w*>\-.\[\]()&]+.*;$")
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
FLAGS = ["-std=gnu17", "-O1", "-w", "-Iinclude", "-Iarch/x86_64/include", "-I.", "-Isecurity/cap", "-DLIB_HOST"]


def code_lines(text):
    """(line number, line) outside comments, tables of kinds and preprocessor lines."""
    in_comment = False
    for number, line in enumerate(text.split("\n")):
        if "/*" in line:
            in_comment = True
        if not in_comment and not line.startswith("#") and not line.startswith("\t["):
            yield number, line
        if "*/" in line:
            in_comment = False


def mutants(text):
    """(name, whole text) of each."""
    lines, function = text.split("\n"), ""
    for number, line in code_lines(text):
        found = []
        head = re.match(r"\w.*?(\w+)\(", line)
        function = head[1] if head else function
        for old, new in SWAPS:
            for m in re.finditer(old, line):
                found.append(line[:m.start()] + new + line[m.end():])
        if STATEMENT.match(line):
            found.append("\t;")
        for changed in found:
            copy = list(lines)
            copy[number] = changed
            yield f"{function}: {line.strip()} -> {changed.strip()}", "\n".join(copy)


def build_and_run(out, number, text, states):
    """What notices the mutant; None: nothing does."""
    source = out / f"core-{number}.c"
    source.write_text(text)
    unit, explore = out / f"unit-{number}", out / f"explore-{number}"
    try:
        for program, parts in ((unit, [out / "unit.o"]), (explore, [])):
            slots = ["-DCAP_SLOTS=4u"] if program is explore else SANITIZE
            extra = [HERE / "cap_explore.c"] if program is explore else [out / n for n in RUNNER]
            done = subprocess.run(["gcc", *FLAGS, *slots, "-o", program, source, *parts, *extra], cwd=TOP,
                                  capture_output=True, check=False)
            if done.returncode:
                return "compiler"
            words = [program] if program is unit else [program, str(states)]
            try:
                if subprocess.run(words, capture_output=True, timeout=60, check=False).returncode:
                    return "explorer" if program is explore else "unit tests"
            except subprocess.TimeoutExpired:
                return "time limit"
    finally:
        for f in (source, unit, explore):
            f.unlink(missing_ok=True)
    return None


RUNNER = ["main.o", "ktest.o", "printf.o", "string.o"]


def build_runner(out):
    sources = {"unit.o": "security/cap/core_test.c", "main.o": "tests/host/main.c", "ktest.o": "lib/ktest.c",
               "printf.o": "lib/printf.c", "string.o": "lib/string.c"}
    for name, source in sources.items():
        rename = ["-include", "include/lib/host_rename.h"] if source.startswith("lib/") else []
        subprocess.run(["gcc", *FLAGS, *SANITIZE, *rename, "-c", source, "-o", out / name], cwd=TOP, check=True)


def equal_mutants():
    rows = (HERE / "mutants-equal.tsv").read_text().split("\n")
    return dict(row.split("\t") for row in rows if row and not row.startswith("#"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--every", type=int, default=1 if os.environ.get("TEST_LEVEL") == "long" else 9,
                        help="only every Nth mutant (1 in the long tests)")
    parser.add_argument("--states", type=int, default=1500, help="states that the explorer expands")
    parser.add_argument("--list", action="store_true", help="print the mutants and stop")
    parser.add_argument("--out", type=pathlib.Path, default=TOP / "build/verify/mutants")
    args = parser.parse_args()
    equal = equal_mutants()
    chosen = [m for m in mutants(CORE.read_text()) if m[0] not in equal][::args.every]
    if args.list:
        print("\n".join(name for name, _ in chosen))
        return 0
    args.out.mkdir(parents=True, exist_ok=True)
    args.out = args.out.resolve()
    build_runner(args.out)
    # The original has to pass, or every mutant would look killed.
    if build_and_run(args.out, "original", CORE.read_text(), args.states):
        print("mutate: the unmodified core fails its own tests", file=sys.stderr)
        return 2
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda job: build_and_run(args.out, job[0], job[1][1], args.states),
                                enumerate(chosen)))
    survivors = [name for (name, _), by in zip(chosen, results) if by is None]
    valid = sum(by != "compiler" for by in results)
    killed = valid - len(survivors)
    print("KTAP version 1")
    for by in sorted({by for by in results if by}):
        print(f"# {results.count(by)} " + ("do not compile" if by == "compiler" else f"killed by {by}"))
    for name in survivors:
        print(f"# survived: {name}")
    good = killed >= WANTED * valid
    print(f"# {killed} of {valid} mutants killed; {len(equal)} are equal to the original")
    print(f"{'' if good else 'not '}ok 1 at least {WANTED:.0%} of the mutants are killed\n1..1")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
