# SPDX-License-Identifier: MIT
"""Debian's cloud kernel and busybox-static of any architecture, through scripts/fetch: never installed."""

import functools
import subprocess
from pathlib import Path

from .errors import VmError
from .paths import TREE

DEBIAN_ARCH = {"x86_64": "amd64", "arm64": "arm64"}
KERNEL = "linux-image-cloud"
BUSYBOX = "busybox-static"


def _fetch(option, package, arch):
    command = [TREE / "scripts" / "fetch", option, package, DEBIAN_ARCH[arch]]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["scripts/fetch failed"]
        raise VmError(lines[-1])
    return Path(done.stdout.splitlines()[-1])


@functools.cache
def package(name, arch):
    """The unpacked package's folder in the cache; fetched at first use."""
    return _fetch("--deb", name, arch)


def root(arch):
    """The cpio of Debian's minbase system, unpacked and not configured; made at first use."""
    command = [TREE / "scripts" / "debian-root", "--arch", arch]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["scripts/debian-root failed"]
        raise VmError(lines[-1])
    return Path(done.stdout.splitlines()[-1])


def refresh(arch):
    """Fetches the newest cloud kernel."""
    _fetch("--deb-refresh", KERNEL, arch)
    package.cache_clear()


def _one(folder, *patterns):
    for pattern in patterns:
        for path in sorted(folder.glob(pattern)):
            return path
    raise VmError(f"{folder}: the cached package is damaged; remove the folder")


def kernel_image(arch):
    return _one(package(KERNEL, arch), "boot/vmlinuz-*")


def kernel_version(arch):
    """The Debian package and version, as 6.1.0-50-cloud-amd64_6.1.176-1_amd64."""
    return package(KERNEL, arch).name.removeprefix("linux-image-")


def busybox(arch):
    return _one(package(BUSYBOX, arch), "bin/busybox", "usr/bin/busybox")


def _module_needs(path):
    """The modules a module says it depends on (its .modinfo section)."""
    for field in path.read_bytes().split(b"\0"):
        if field.startswith(b"depends="):
            return [name.decode().replace("-", "_") for name in field[8:].split(b",") if name]
    return []


def modules(arch, names):
    """Files of the named modules, each after those it depends on; built-in ones are left out."""
    if not names:
        return []
    by_name = {path.stem.replace("-", "_"): path
               for path in package(KERNEL, arch).glob("lib/modules/**/*.ko")}
    order = []

    def visit(name):
        path = by_name.get(name)
        if path and path not in order:
            for need in _module_needs(path):
                visit(need)
            order.append(path)

    for name in names:
        visit(name)
    return order
