# SPDX-License-Identifier: MIT
"""What the whole-machine tests share: a KTAP report, a way to run scripts/vm, and builds to boot."""

import os
import re
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
OUT = TOP / "build/test"
ARCHES = ("x86_64", "arm64")
UNAME = {"x86_64": "x86_64", "arm64": "aarch64"}
# How much work a test that can be made longer does: scripts/test --quick, plain, --long.
LEVEL = os.environ.get("TEST_LEVEL", "ci")

sys.path.insert(0, str(TOP / "scripts"))
sys.dont_write_bytecode = True

# What a kernel says only when it is wrong: panics, sanitizer and lock reports, failed assertions.
COMPLAINT = re.compile(r"panic: |Kernel panic|BUG|UBSan|ubsan|undefined behaviour|ASSERT|assertion|"
                       r"lock order|atomic context|WARNING:|Oops|use after free|leak")


def out_dir(arch, config="default"):
    """Where the build lanes leave one configuration."""
    return OUT / "out" / f"{arch}-{config}"


class Report:
    """KTAP on standard output; the plan comes last, so that a crash cannot look complete."""

    def __init__(self):
        self.count = self.failed = 0
        print("KTAP version 1", flush=True)

    def _line(self, good, name, note=""):
        self.count += 1
        self.failed += not good
        print(f"{'' if good else 'not '}ok {self.count} {name}{note}", flush=True)

    def passed(self, name):
        self._line(True, name)

    def skip(self, name, reason):
        self._line(True, name, f" # SKIP {reason}")

    def fail(self, name, *notes):
        for note in notes:
            for line in str(note).split("\n"):
                print(f"# {line}")
        self._line(False, name)

    def check(self, name, problem):
        """A failure if there is a problem (a text), else a pass."""
        self.fail(name, problem) if problem else self.passed(name)

    def end(self):
        print(f"1..{self.count}", flush=True)
        return 1 if self.failed else 0


@dataclass
class Ran:
    """A command that ended (or was ended: status 124)."""

    words: list
    status: int
    out: str
    err: str
    seconds: float
    log: str = ""

    def complaints(self):
        return [line for line in (self.log + "\n" + self.err).split("\n") if COMPLAINT.search(line)]

    def story(self, lines=15):
        """What a person needs to see of a failure, and the command that repeats it."""
        kept = [f"status {self.status} after {self.seconds:.0f} s"]
        for name in ("out", "err", "log"):
            text = getattr(self, name).rstrip("\n")
            kept += [f"{name}: {line}" for line in text.split("\n")[-lines:] if line]
        return "\n".join([*kept, "again: " + shlex.join(map(str, self.words))])


def run(words, seconds, env=None, stdin=b""):
    begun = time.monotonic()
    words = [str(w) for w in words]
    # Lanes run from the top of the tree; so does what we print for repeating.
    shown = [w.replace(str(TOP) + "/", "") for w in words]
    try:
        done = subprocess.run(words, cwd=TOP, env={**os.environ, **(env or {})}, input=stdin,
                              capture_output=True, timeout=seconds, check=False)
        status, out, err = done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired as late:
        status, out, err = 124, late.stdout or b"", late.stderr or b""
    return Ran(shown, status, out.decode(errors="replace"), err.decode(errors="replace"),
               time.monotonic() - begun)


def vm(arch, *command, linux=False, config="default", seconds=120, options=(), log=None):
    """One run of scripts/vm on a build of the build lanes."""
    words = [TOP / "scripts/vm", "--arch", arch, "--out", out_dir(arch, config), "--timeout", seconds]
    if log:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.unlink(missing_ok=True)
        words += ["--log", log]
    words += [*(["--linux"] if linux else []), *options]
    # The boot itself is not counted by --timeout, and U-Boot or OVMF may take their time.
    done = run([*words, *(["--", *command] if command else [])], seconds + 300)
    if log and log.exists():
        done.log = log.read_text(errors="replace")
    return done


def compile_guest(arch, sources, name, config="default", flags=()):
    """A static guest program from the sysroot's compiler; the path, made anew if a source is newer."""
    folder = OUT / "programs"
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / f"{name}-{arch}"
    if program.exists() and all(program.stat().st_mtime > s.stat().st_mtime for s in sources):
        return program
    part = folder / f".{name}-{arch}.{os.getpid()}"
    done = run([out_dir(arch, config) / "usr/bin/aegis-cc", "-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror",
                "-static", *flags, "-o", part, *sources], 120)
    if done.status:
        print(done.story(40), file=sys.stderr)
        sys.exit(2)
    part.rename(program)
    return program
