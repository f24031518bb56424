#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Each kind of disk on each board that has it, seen from both sides; prints KTAP.

usage: tests/system/disks.py --arch ARCH [--config C] [NAME...]

The host makes an image with a partition table and known bytes; the guest reads them, writes a
partition, syncs, and loses its power; the host looks at what arrived. Then sectors that cannot be
read (EIO), and a disk that is pulled out while it is read (ENODEV). One word of complaint in the
kernel's log is a failure.
"""

import argparse
import hashlib
import random
import struct
import sys
import uuid
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from harness import ARCHES, OUT, Report, vm  # noqa: E402

from aegisvm import debian  # noqa: E402

MIB = 1 << 20
SIZE = 16 * MIB
BOX = "/debian/busybox"         # its dd knows O_DIRECT, and losetup
PARTS = ((1 * MIB, 4 * MIB), (6 * MIB, 8 * MIB))     # start, length
BAD_SECTOR = 4096                                    # in the first partition
# name: (board, --disk words, block size, the device's name)
KINDS = {
    "x86_64": {
        "virtio": ("q35", "if=virtio", 512, "vda"),
        "virtio-4k": ("q35", "if=virtio,bs=4096", 4096, "vda"),
        "virtio-pc": ("pc", "if=virtio", 512, "vda"),
        "virtio-mmio": ("microvm", "if=virtio-mmio", 512, "vda"),
        "nvme": ("q35", "if=nvme", 512, "nvme0n1"),
        "nvme-4k": ("q35", "if=nvme,bs=4096", 4096, "nvme0n1"),
        "ahci": ("q35", "if=ahci", 512, "sda"),
    },
    "arm64": {
        "virtio": ("virt-gicv3", "if=virtio", 512, "vda"),
        "virtio-gicv2": ("virt-gicv2", "if=virtio", 512, "vda"),
        "virtio-mmio": ("virt-gicv3", "if=virtio-mmio", 512, "vda"),
        "nvme": ("virt-gicv3", "if=nvme", 512, "nvme0n1"),
        "nvme-4k": ("virt-gicv3", "if=nvme,bs=4096", 4096, "nvme0n1"),
        "ahci": ("virt-gicv3", "if=ahci", 512, "sda"),
    },
}


def gpt(size, block, parts):
    """The blocks of a GUID partition table, by offset."""
    blocks, table = size // block, bytearray(128 * 128)
    table_blocks = -(-len(table) // block)
    for number, (start, length) in enumerate(parts):
        entry = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4").bytes_le
        entry += uuid.UUID(int=number + 1).bytes_le
        entry += struct.pack("<QQQ", start // block, (start + length) // block - 1, 0)
        table[number * 128:number * 128 + len(entry)] = entry

    def header(mine, other, entries):
        fields = [b"EFI PART", 0x10000, 92, 0, 0, mine, other, 2 + table_blocks,
                  blocks - table_blocks - 2, bytes(16), entries, 128, 128, zlib.crc32(table)]
        pack = lambda: struct.pack("<8s4I4Q16sQ3I", *fields)            # noqa: E731
        fields[3] = zlib.crc32(pack())
        return pack()

    protective = bytes(446) + struct.pack("<8B2I", 0, 0, 2, 0, 0xee, 255, 255, 255, 1, blocks - 1)
    protective += bytes(48) + b"\x55\xaa"
    last = blocks - 1
    return {0: protective, block: header(1, last, 2), 2 * block: bytes(table),
            (last - table_blocks) * block: bytes(table),
            last * block: header(last, 1, last - table_blocks)}


def make_image(path, block, seed):
    """The image's bytes, also written to path."""
    data = bytearray(random.Random(seed).randbytes(SIZE))
    for offset, part in gpt(SIZE, block, PARTS).items():
        data[offset:offset + len(part)] = part
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return data


def digest(data):
    return hashlib.sha256(data).hexdigest()


def partition(data, number):
    start, length = PARTS[number]
    return bytes(data[start:start + length])


class Runner:
    def __init__(self, report, args):
        self.report, self.args = report, args

    def guest(self, name, script, disk, options=(), seconds=120):
        board = KINDS[self.args.arch][name][0]
        return vm(self.args.arch, "sh", "-c", script, config=self.args.config, seconds=seconds,
                  log=OUT / "disks" / f"{self.args.arch}-{name}.log",
                  options=["--board", board, "--smp", 4, "--mem", 256, "--disk", disk,
                           "--put", f"{debian.busybox(self.args.arch)}:{BOX}", *options])

    def check(self, what, done, problem):
        complaints = done.complaints()
        if complaints:
            problem = "the kernel complained: " + complaints[0]
        self.report.check(what, f"{problem}\n{done.story()}" if problem else "")

    def read_and_write(self, name):
        """The guest reads what the host wrote, and the other way round."""
        _, words, block, device = KINDS[self.args.arch][name]
        path = OUT / "disks" / f"{self.args.arch}-{name}.img"
        data = make_image(path, block, name)
        part = device + ("p" if device[-1].isdigit() else "")
        script = (f"sha256sum < /dev/{part}1 && "
                  f"dd if=/dev/{part}1 of=/dev/{part}2 bs=256k conv=fsync 2>/dev/null && "
                  f"dd if=/dev/{part}1 bs=4k skip=5 count=3 2>/dev/null | "
                  f"dd of=/dev/{part}2 bs=4k seek=1500 conv=notrunc,fsync 2>/dev/null && "
                  f"sha256sum < /dev/{part}1 && cat /proc/partitions")
        done = self.guest(name, script, f"{path},{words}")
        self.check(f"{name}: the guest reads what the host wrote", done,
                   "" if done.out.split()[:1] == [digest(partition(data, 0))] else "other bytes")
        expected = data[:]
        first, second = PARTS[0][0], PARTS[1][0]
        expected[second:second + PARTS[0][1]] = partition(data, 0)
        expected[second + 1500 * 4096:second + 1503 * 4096] = data[first + 5 * 4096:first + 8 * 4096]
        self.check(f"{name}: the host reads what the guest wrote", done,
                   "" if path.read_bytes() == bytes(expected) else "other bytes on the host")
        path.unlink()

    def bad_sector(self, name):
        """Sectors that the host cannot read are EIO for who reads them, and for nobody else."""
        _, words, block, device = KINDS[self.args.arch][name]
        path = OUT / "disks" / f"{self.args.arch}-{name}-bad.img"
        make_image(path, block, name)
        script = (f"dd if=/dev/{device} of=/dev/null bs=4k skip={BAD_SECTOR // 8} count=1; echo $?; "
                  f"dd if=/dev/{device} of=/dev/null bs=4k skip=100 count=20 2>/dev/null; echo $?; "
                  f"dd if=/dev/{device} of=/dev/null bs=4k skip={BAD_SECTOR // 8 + 64} count=20 "
                  "2>/dev/null; echo $?")
        done = self.guest(name, script, f"{path},{words},bad={BAD_SECTOR}")
        good = done.out.split() == ["1", "0", "0"] and "I/O error" in done.err
        self.check(f"{name}: a bad sector is EIO", done, "" if good else "not 1 0 0, I/O error")
        path.unlink()

    def unplug(self, name):
        """A disk that goes away while it is read: an error for the reader, no harm otherwise."""
        _, words, block, device = KINDS[self.args.arch][name]
        path = OUT / "disks" / f"{self.args.arch}-{name}-unplug.img"
        make_image(path, block, name)
        script = (f"(while {BOX} dd if=/dev/{device} of=/dev/null bs=64k iflag=direct 2>/dev/null; "
                  "do :; done; echo reader ended) & sleep 0.3; "
                  "for d in /sys/bus/pci/devices/*; do case $(cat $d/class) in "
                  "0x01*) echo 1 > $d/remove;; esac; done; wait; "
                  f"test -e /dev/{device} || echo node gone; cat /proc/partitions")
        done = self.guest(name, script, f"{path},{words}")
        good = "reader ended" in done.out and "node gone" in done.out and device not in done.out
        self.check(f"{name}: pulled out while it is read", done, "" if good else "not gone")
        path.unlink()


    def lost_command(self):
        """A command that the device never answers: aborted, then the controller is reset."""
        name = "nvme"
        path = OUT / "disks" / f"{self.args.arch}-lost.img"
        data = make_image(path, 512, "lost")
        script = (f"for i in 1 2 3 4 5 6 7 8; do {BOX} dd if=/dev/nvme0n1p1 of=/dev/null bs=64k "
                  "iflag=direct 2>/dev/null; echo $?; done; sha256sum < /dev/nvme0n1p1")
        done = self.guest(name, script, f"{path},if=nvme",
                          ["--append", "nvme.timeout=1 nvme.lose=100"])
        lines = done.out.split()
        good = (sorted(lines[:8]) == ["0"] * 7 + ["1"] and "0000:00" in done.log and
                "reset" in done.log and lines[8:9] == [digest(partition(data, 0))])
        self.check("nvme: a lost command ends in a reset, and all others survive", done,
                   "" if good else "not one error in eight")
        path.unlink()

    def loop(self):
        """losetup: a file with partitions as a disk; the file has what was written, and is freed."""
        name = "virtio"
        path = OUT / "disks" / f"{self.args.arch}-loop.img"
        data = make_image(path, 512, "loop")
        script = (f"b={BOX}; $b dd if=/dev/vda of=/tmp/img bs=1M 2>/dev/null && "
                  "l=$($b losetup -f) && $b losetup -P $l /tmp/img && "
                  "sha256sum < ${l}p1 && $b losetup $l && "
                  "$b dd if=${l}p1 of=${l}p2 bs=64k conv=fsync 2>/dev/null && "
                  "$b losetup -d $l && $b losetup -a && test ! -e ${l}p1 && "
                  "! $b dd if=/dev/zero of=$l count=0 conv=fsync,notrunc 2>/dev/null && "
                  "$b dd if=/tmp/img bs=1M skip=6 count=4 2>/dev/null | sha256sum")
        done = self.guest(name, script, f"{path},if=virtio")
        want, lines = digest(partition(data, 0)), done.out.split("\n")
        good = (len(lines) == 4 and lines[0].split()[0] == want and "/dev/loop0" in lines[1] and
                lines[2].split()[0] == want)
        self.check("loop: a file is a disk with partitions", done, "" if good else "other output")
        path.unlink()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--arch", choices=ARCHES, required=True)
    p.add_argument("--config", default="debug")
    p.add_argument("names", nargs="*")
    args = p.parse_args()
    runner = Runner(Report(), args)
    for name in KINDS[args.arch]:
        if args.names and name not in args.names:
            continue
        runner.read_and_write(name)
        if name in ("virtio", "virtio-mmio", "nvme", "ahci"):
            runner.bad_sector(name)
        if name in ("virtio", "nvme", "ahci"):
            runner.unplug(name)
    if not args.names or "lost" in args.names:
        runner.lost_command()
    if not args.names or "loop" in args.names:
        runner.loop()
    return runner.report.end()


if __name__ == "__main__":
    sys.exit(main())
