# SPDX-License-Identifier: MIT
"""Writes and reads cpio archives in the "newc" format, as an initramfs wants them."""

import dataclasses
import stat

TRAILER = "TRAILER!!!"
MAGIC = b"070701"
HEAD = 110


def names(data):
    """Paths in a plain archive; of a compressed or damaged one, those before it goes wrong."""
    found, at = set(), 0
    while data[at:at + 6] == MAGIC:
        size = int(data[at + 54:at + 62], 16)
        length = int(data[at + 94:at + 102], 16)
        found.add(data[at + HEAD:at + HEAD + length - 1].decode(errors="replace").strip("/"))
        at += HEAD + length + -(HEAD + length) % 4
        at += size + -size % 4
        while data[at:at + 1] == b"\0":        # padding between concatenated archives
            at += len(data[at:at + 4096]) - len(data[at:at + 4096].lstrip(b"\0"))
    return found - {TRAILER}


@dataclasses.dataclass
class Entry:
    """A member that was read."""

    name: str
    mode: int
    uid: int
    gid: int
    major: int
    minor: int
    data: bytes


def entries(archive):
    """The members of a plain archive, in order; ValueError if it is damaged."""
    at = 0
    while True:
        if archive[at:at + 6] != MAGIC:
            raise ValueError(f"no cpio header at {at}")
        fields = [int(archive[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        size, length = fields[6], fields[11]
        name = archive[at + HEAD:at + HEAD + length - 1].decode().strip("/")
        at += HEAD + length + -(HEAD + length) % 4
        if name == TRAILER:
            return
        yield Entry(name, fields[1], fields[2], fields[3], fields[9], fields[10], archive[at:at + size])
        at += size + -size % 4


def _entry(inode, name, mode, data=b"", rdev=(0, 0)):
    path = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev, len(path), 0)
    head = MAGIC + b"".join(b"%08X" % field for field in fields) + path
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


class Archive:
    """Entries in the order they were added; folders on the way are made as needed.

    `known` are paths of an archive that this one follows: a folder entry for one of them
    would replace what stands there (a symbolic link to usr/bin, say).
    """

    def __init__(self, known=()):
        self._names = set(known)
        self._parts = []

    def _add(self, name, mode, data=b"", rdev=(0, 0)):
        parent = name.rpartition("/")[0]
        if parent and parent not in self._names:
            self.folder(parent)
        self._names.add(name)
        self._parts.append(_entry(len(self._parts) + 1, name, mode, data, rdev))

    def folder(self, name, mode=0o755):
        self._add(name.strip("/"), stat.S_IFDIR | mode)

    def file(self, name, data, mode=0o644):
        self._add(name.strip("/"), stat.S_IFREG | mode, data)

    def link(self, name, target):
        self._add(name.strip("/"), stat.S_IFLNK | 0o777, target.encode())

    def device(self, name, mode, major, minor):
        self._add(name.strip("/"), stat.S_IFCHR | mode, rdev=(major, minor))

    def data(self):
        """The whole archive, padded so that another may follow it."""
        body = b"".join(self._parts) + _entry(0, TRAILER, 0)
        return body + bytes(-len(body) % 512)
