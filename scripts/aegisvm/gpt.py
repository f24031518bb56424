# SPDX-License-Identifier: MIT
"""Writes GUID partition tables (UEFI 2.10, chapter 5): protective MBR, header, entries, and their backup."""

import dataclasses
import struct
import uuid
import zlib

SECTOR = 512
ALIGN = 2048                # partitions begin at whole MiB
ENTRIES, ENTRY_SIZE = 128, 128
TABLE_SECTORS = ENTRIES * ENTRY_SIZE // SECTOR
RESERVED = 1 + 1 + TABLE_SECTORS        # MBR, header, entries; the last two again at the end

BIOS_BOOT = uuid.UUID("21686148-6449-6e6f-744e-656564454649")
EFI_SYSTEM = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
LINUX_ROOT = {"x86_64": uuid.UUID("4f68bce3-e8cd-4db1-96e7-fbcaf984b709"),
              "arm64": uuid.UUID("b921b045-1df0-41c3-af44-4c6f280d3fae")}
LEGACY_BOOTABLE = 1 << 2


@dataclasses.dataclass
class Partition:
    """One partition; `first` is set by layout()."""

    kind: uuid.UUID
    guid: uuid.UUID
    name: str
    sectors: int
    attributes: int = 0
    first: int = 0

    def entry(self):
        last = self.first + self.sectors - 1
        head = struct.pack("<QQQ", self.first, last, self.attributes)
        return (self.kind.bytes_le + self.guid.bytes_le + head +
                self.name.encode("utf-16-le").ljust(72, b"\0"))


def layout(partitions):
    """Places the partitions one behind the other; the disk's size in sectors."""
    at = ALIGN
    for part in partitions:
        part.first = at
        at += -(-part.sectors // ALIGN) * ALIGN
    return at + ALIGN


def _protective_mbr(total, boot_code):
    entry = struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xEE, b"\xff" * 3, 1, min(total - 1, 0xffffffff))
    return boot_code[:440].ljust(446, b"\0") + entry + bytes(48) + b"\x55\xaa"


def _header(total, guid, here, there, entries_at, entries):
    def pack(crc):
        return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, crc, 0, here, there, RESERVED,
                           total - RESERVED, guid.bytes_le, entries_at, ENTRIES, ENTRY_SIZE,
                           zlib.crc32(entries))
    return pack(zlib.crc32(pack(0))).ljust(SECTOR, b"\0")


def tables(partitions, total, guid, boot_code=b""):
    """What stands at the disk's start and at its end, as (offset in bytes, bytes)."""
    entries = b"".join(part.entry() for part in partitions).ljust(ENTRIES * ENTRY_SIZE, b"\0")
    last = total - 1
    start = (_protective_mbr(total, boot_code) + _header(total, guid, 1, last, 2, entries) + entries)
    end = entries + _header(total, guid, last, 1, last - TABLE_SECTORS, entries)
    return (0, start), ((last - TABLE_SECTORS) * SECTOR, end)
