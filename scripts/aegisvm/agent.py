# SPDX-License-Identifier: MIT
"""The guest agent's binary: the build's own, or one compiled here and kept in the cache."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .errors import VmError
from .paths import TREE, cache_dir, locked

CROSS = {"x86_64": "x86_64-linux-gnu-gcc", "arm64": "aarch64-linux-gnu-gcc"}
CFLAGS = ["-std=gnu17", "-Os", "-static", "-s", "-Wall", "-Wextra"]


def compiler(arch, out, cc=None):
    """The C compiler for guest programs: --cc, the sysroot's aegis-cc, or the host's (cross) gcc."""
    candidates = [cc] if cc else [str(out / "usr/bin/aegis-cc"), CROSS[arch]]
    for name in candidates:
        if shutil.which(name):
            return name
    raise VmError(f"no C compiler for {arch}: looked for {', '.join(candidates)}")


def build_program(arch, cc, sources, flags, name):
    """Compiles a static guest program once for each content, compiler and flags; returns its path."""
    key = hashlib.sha256(repr((arch, os.path.realpath(shutil.which(cc)), flags)).encode())
    for path in sources:
        key.update(Path(path).read_bytes())
    target = cache_dir() / "build" / f"{name}-{arch}-{key.hexdigest()[:16]}"
    with locked(target):
        if not target.exists():
            _compile(cc, flags, [s for s in sources if str(s).endswith((".c", ".S"))], target)
    return target


def _compile(cc, flags, sources, target):
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        command = [cc, *flags, "-o", f"{scratch}/program", *map(str, sources)]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise VmError(f"cannot build {target.name}: {done.stderr.strip()[-1500:]}")
        os.rename(f"{scratch}/program", target)


def agent_binary(arch, out):
    """vmagent for an architecture: static, a few ten KB with musl."""
    folder = TREE / "usr" / "vmagent"
    built = out / "usr/sbin/vmagent"
    if built.is_file():
        return built
    sources = sorted([*folder.glob("*.c"), *folder.glob("*.h")])
    return build_program(arch, compiler(arch, out), sources, CFLAGS, "vmagent")
