# SPDX-License-Identifier: MIT
"""Where things are: the tree, the build output and the cache."""

import contextlib
import fcntl
import os
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]


def output_dir(arch, out=None):
    """The build output folder of one architecture: --out, then $O, then build/ARCH."""
    chosen = out or os.environ.get("O")
    return Path(chosen).absolute() if chosen else TREE / "build" / arch


def cache_dir():
    base = os.environ.get("AEGIS_CACHE")
    if not base:
        base = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "aegis")
    path = Path(base)
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def locked(path):
    """Holds an exclusive lock on a file beside `path`, so that one run prepares it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(path.name + ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def replace_file(path, data):
    """Writes a file in one step: a reader sees the old content or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    os.replace(temporary, path)
