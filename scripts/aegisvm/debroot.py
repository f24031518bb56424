# SPDX-License-Identifier: MIT
"""A program of a Debian package with the shared libraries that it needs, as files for the guest.

Nothing is installed: packages come unpacked through scripts/fetch, and only the files that the program's
dynamic section leads to are taken, at the paths where Debian's loader looks for them.
"""

import struct
from pathlib import Path

from . import debian
from .errors import VmError

TRIPLET = {"x86_64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NEEDED, DT_STRTAB = 1, 5


def _segments(data):
    phoff, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for i in range(count):
        kind, _, offset, vaddr, _, filesz = struct.unpack_from("<IIQQQQ", data, phoff + i * size)
        yield kind, offset, vaddr, filesz


def _string(data, at):
    return data[at:data.index(b"\0", at)].decode()


def needs(path):
    """(the interpreter or None, the libraries) that an ELF file names."""
    data = Path(path).read_bytes()
    segments = list(_segments(data))
    interpreter = next((_string(data, off) for kind, off, _, _ in segments if kind == PT_INTERP), None)
    names, table = [], 0
    for kind, offset, _, size in segments:
        if kind == PT_DYNAMIC:
            entries = list(struct.iter_unpack("<QQ", data[offset:offset + size // 16 * 16]))
            names = [value for tag, value in entries if tag == DT_NEEDED]
            table = next(value for tag, value in entries if tag == DT_STRTAB)
    base = next((table - vaddr + offset for kind, offset, vaddr, size in segments
                 if kind == PT_LOAD and vaddr <= table < vaddr + size), 0)
    return interpreter, [_string(data, base + name) for name in names]


def _find(name, folders, arch):
    for folder in folders:
        for place in (f"lib/{TRIPLET[arch]}", f"usr/lib/{TRIPLET[arch]}", "lib64", "lib"):
            path = folder / place / name
            if path.exists():
                return path.resolve()
    raise VmError(f"no library {name} in the packages {' '.join(f.name for f in folders)}")


def files(arch, package, program, libraries):
    """{path in the guest: file}: @program of @package with what it needs of the packages @libraries."""
    folders = [debian.package(name, arch) for name in (package, *libraries)]
    main = folders[0] / program
    wanted, found = [main], {f"/{program}": main}
    while wanted:
        interpreter, names = needs(wanted.pop())
        for path, name in [(interpreter, Path(interpreter).name)] if interpreter else []:
            found[path] = _find(name, folders, arch)
        for name in names:
            at = f"/lib/{TRIPLET[arch]}/{name}"
            if at not in found:
                found[at] = _find(name, folders, arch)
                wanted.append(found[at])
    return found
