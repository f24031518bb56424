# SPDX-License-Identifier: MIT
"""The initrd a guest gets: a base image and behind it an overlay with agent, command and extra files."""

import os

from . import cpio, debian
from .errors import VmError

AGENT = "/etc/vm/agent"


def _strings(items):
    return b"".join(os.fsencode(item) + b"\0" for item in items)


def fallback_image(arch):
    """A minimal root of Debian's busybox-static, for --linux while no image has been built."""
    box = debian.busybox(arch)
    image = cpio.Archive()
    for name in ("dev", "proc", "sys", "tmp", "run", "root"):
        image.folder(name)
    image.device("dev/console", 0o600, 5, 1)
    image.device("dev/null", 0o666, 1, 3)
    image.file("bin/busybox", box.read_bytes(), 0o755)
    for name in _applets(box):
        image.link(f"bin/{name}", "busybox")
    image.file("init", _FALLBACK_INIT, 0o755)
    return image.data()


_FALLBACK_INIT = b"""#!/bin/sh
mount -t devtmpfs devtmpfs /dev; mount -t proc proc /proc; mount -t sysfs sysfs /sys
export PATH=/bin HOME=/root PS1='# '
setsid cttyhack sh -i
poweroff -f
"""


def _applets(box):
    """Names of busybox's applets, read from its own table in the file (it may be a foreign binary)."""
    data = box.read_bytes()
    start = data.find(b"\0[\0[[\0")
    if start < 0:
        return ["sh", "ls", "cat", "echo", "uname", "true", "false", "mount"]
    names = []
    for name in data[start + 1:start + 8192].split(b"\0"):
        if not name:
            break
        names.append(name.decode())
    return [name for name in names if name != "busybox"]


def overlay(base, agent, command=None, environ=None, cwd="/", modules=(), files=()):
    """The cpio that follows the base image (bytes).

    `files` are (host path, guest path); `modules` are host paths in load order.
    """
    archive = cpio.Archive(known=cpio.names(base) or {"bin", "etc"})
    if command:
        archive.file(AGENT, agent.read_bytes(), 0o755)
        archive.file("etc/vm/command", _strings(command))
        archive.file("etc/vm/environ", _strings(f"{k}={v}" for k, v in (environ or {}).items()))
        archive.file("etc/vm/cwd", os.fsencode(cwd))
    for path in modules:
        archive.file(f"etc/vm/modules.d/{path.name}", path.read_bytes())
    if modules:
        archive.file("etc/vm/modules", _strings(f"/etc/vm/modules.d/{p.name}" for p in modules))
    for source, target in files:
        try:
            with open(source, "rb") as file:
                archive.file(target, file.read(), os.fstat(file.fileno()).st_mode & 0o777)
        except OSError as err:
            raise VmError(f"--put {source}: {err.strerror}") from err
    return archive.data()


def base_image(arch, out, path, linux):
    """The base initrd's bytes: --initrd, the build's initramfs.cpio, or busybox for --linux."""
    path = path or next((p for p in [out / "initramfs.cpio"] if p.exists()), None)
    if path is None:
        if linux:
            return fallback_image(arch)
        raise VmError(f"no initramfs at {out / 'initramfs.cpio'}; build it with 'make ARCH={arch}'")
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as err:
        raise VmError(f"{path}: {err.strerror}") from err
    return data + bytes(-len(data) % 4)
