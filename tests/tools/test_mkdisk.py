# SPDX-License-Identifier: MIT
"""Disk images: an independent reading of the partition table, e2fsck's word on the root, equal bytes."""

import shutil
import struct
import subprocess
import uuid
import zlib

import pytest
from aegisvm import boards, cpio, disk, gpt
from aegisvm.errors import VmError


def tool(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


@pytest.fixture(name="archive")
def _archive():
    a = cpio.Archive()
    a.folder("bin")
    a.file("bin/a file", b"content" * 1000, 0o755)
    a.link("bin/link", "a file")
    a.device("dev/console", 0o600, 5, 1)
    return a.data()


@pytest.fixture(name="kernel")
def _kernel(tmp_path):
    path = tmp_path / "kernel"
    path.write_bytes(b"\x7fELF not really" * 1000)
    return path


def header(image, sector):
    """(entries at sector, entries) of the GPT header there, with all its checks."""
    raw = image[sector * 512:sector * 512 + 92]
    (magic, revision, size, crc, _, here, there, first, last, _, at, nr, entry_size,
     table_crc) = struct.unpack("<8sIIIIQQQQ16sQIII", raw)
    assert (magic, revision, size, here, entry_size) == (b"EFI PART", 0x10000, 92, sector, 128)
    assert zlib.crc32(raw[:16] + bytes(4) + raw[20:]) == crc
    table = image[at * 512:at * 512 + nr * entry_size]
    assert zlib.crc32(table) == table_crc
    assert there in (1, len(image) // 512 - 1) and first == 34 and last == len(image) // 512 - 34
    return [table[i:i + 128] for i in range(0, len(table), 128) if any(table[i:i + 16])]


@pytest.mark.parametrize("arch", boards.ARCHES)
def test_table_and_root(arch, tmp_path, kernel, archive):
    path = tmp_path / "image"
    disk.write(path, arch, kernel, "console=x", root=archive, root_mib=16)
    image = path.read_bytes()
    entries = header(image, 1)
    assert entries == header(image, len(image) // 512 - 1)
    assert image[510:512] == b"\x55\xaa" and image[446 + 4] == 0xEE
    names = [e[56:].decode("utf-16-le").rstrip("\0") for e in entries]
    assert names == (["bios"] if arch == "x86_64" else []) + ["esp", "root"]
    first, last = struct.unpack("<QQ", entries[-1][32:48])
    assert str(uuid.UUID(bytes_le=entries[-1][16:32])) in disk.root_words(arch)
    assert (last - first + 1) * 512 == 16 << 20
    checked = subprocess.run([tool("e2fsck"), "-fn", f"{path}?offset={first * 512}"], capture_output=True,
                             text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    listed = subprocess.run([tool("debugfs"), "-R", "cat \"/bin/a file\"", f"{path}?offset={first * 512}"],
                            capture_output=True, check=False).stdout
    assert listed == b"content" * 1000
    esp_at = struct.unpack("<Q", entries[-2][32:40])[0] * 512
    copied = subprocess.run(["mtype", "-i", f"{path}@@{esp_at}", "::/boot/kernel"], capture_output=True,
                            check=True).stdout
    assert copied == kernel.read_bytes()


@pytest.mark.parametrize("arch", boards.ARCHES)
def test_same_bytes(arch, tmp_path, kernel, archive):
    for name in ("one", "two"):
        disk.write(tmp_path / name, arch, kernel, "console=x", root=archive, root_mib=16)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_too_small_a_root_is_an_error(tmp_path, kernel):
    big = cpio.Archive()
    big.file("big", b"x" * (20 << 20))
    with pytest.raises(VmError, match="debugfs failed"):
        disk.write(tmp_path / "image", "arm64", kernel, "", root=big.data(), root_mib=16)
    assert not (tmp_path / "image").exists()


def test_image_needs_a_board_that_boots_from_a_disk(vm, kernel):
    ran = vm("--board", "q35", "--kernel", kernel, "--initrd", kernel, "--image", "/nonexistent", log=False)
    assert ran.returncode == 2 and b"does not boot from a disk" in ran.stderr


def test_a_damaged_archive_is_an_error(archive):
    with pytest.raises(ValueError, match="no cpio header"):
        list(cpio.entries(b"x" + archive))
    assert [e.name for e in cpio.entries(archive)] == ["bin", "bin/a file", "bin/link", "dev", "dev/console"]
