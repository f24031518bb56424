# SPDX-License-Identifier: MIT
"""A bootable disk image: GPT, an EFI system partition with the boot loader and the kernel, and a root file system.

No step needs root or a loop device, and the same input gives the same bytes: identifiers are derived from the
architecture, times are fixed.

x86_64 boots by GRUB 2 (Multiboot2) from BIOS and from UEFI; arm64 by U-Boot's extlinux.conf.
"""

import os
import shutil
import stat
import struct
import subprocess
import tempfile
import uuid
from pathlib import Path

from . import cpio, gpt
from .errors import VmError

MIB = 1 << 20
NAMESPACE = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")
EPOCH = "1700000000"
ESP_MIB = 64
GRUB_MODULES = ("part_gpt fat multiboot2 linux serial terminal normal configfile search search_label "
                "echo").split()
SERIAL = """serial --unit=0 --speed=115200
terminal_input serial console
terminal_output serial console
"""
# Where boot.img and diskboot.img keep the sector that they read next (GRUB's i386-pc boot blocks).
BOOT_KERNEL_SECTOR = 0x5c
DISKBOOT_BLOCKLIST = 512 - 12
ESP_LABEL = "AEGIS-BOOT"


def identifier(arch, what):
    return uuid.uuid5(NAMESPACE, f"aegis/{arch}/{what}")


def root_words(arch):
    """The words by which the kernel finds the root of such an image."""
    return f"root=PARTUUID={identifier(arch, 'root partition')} rw rootwait"


def _run(words, **more):
    tool = shutil.which(words[0]) or shutil.which(words[0], path="/usr/sbin:/sbin")
    if not tool:
        raise VmError(f"{words[0]} is not installed; run scripts/setup")
    environ = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH, "E2FSPROGS_FAKE_TIME": EPOCH, "MTOOLS_SKIP_CHECK": "1"}
    done = subprocess.run([tool, *map(str, words[1:])], capture_output=True, text=True, env=environ, check=False,
                          **{"stdin": subprocess.DEVNULL, **more})
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"status {done.returncode}"]
        raise VmError(f"{words[0]} failed: {said[-1]}")
    return done


# The EFI system partition.

def _grub_config(words, has_initrd):
    lines = [f"multiboot2 /boot/kernel {words}"] + (["module2 /boot/initrd initrd"] if has_initrd else [])
    body = "".join(f"\t{line}\n" for line in lines)
    return SERIAL + f'set timeout=0\nmenuentry "Aegis" {{\n{body}}}\n'


def _extlinux_config(words, has_initrd):
    lines = ["kernel /boot/kernel"] + (["initrd /boot/initrd"] if has_initrd else []) + [f"append {words}"]
    return "default aegis\ntimeout 1\nlabel aegis\n" + "".join(f"\t{line}\n" for line in lines)


def _grub_core(scratch, form, modules):
    early = scratch / "early.cfg"
    early.write_text(SERIAL + f"search --no-floppy --label --set=root {ESP_LABEL}\n"
                     "set prefix=($root)/boot/grub\nconfigfile $prefix/grub.cfg\n")
    out = scratch / f"core-{form}"
    _run(["grub-mkimage", "-O", form, "-o", out, "-p", "/boot/grub", "-c", early, *GRUB_MODULES, *modules])
    return out


def _esp_files(arch, scratch, kernel, initrd, words):
    """{path: host file} of the partition."""
    files = {"boot/kernel": kernel}
    if initrd:
        files["boot/initrd"] = scratch / "initrd"
        files["boot/initrd"].write_bytes(initrd)
    if arch == "x86_64":
        files["boot/grub/grub.cfg"] = scratch / "grub.cfg"
        files["boot/grub/grub.cfg"].write_text(_grub_config(words, initrd))
        files["EFI/BOOT/BOOTX64.EFI"] = _grub_core(scratch, "x86_64-efi", [])
    else:
        files["extlinux/extlinux.conf"] = scratch / "extlinux.conf"
        files["extlinux/extlinux.conf"].write_text(_extlinux_config(words, initrd))
    return files


def _write_esp(image, part, arch, files):
    where = f"{image}@@{part.first * gpt.SECTOR}"
    serial = identifier(arch, "esp").hex[:8]
    _run(["mformat", "-i", where, "-F", "-c", "1", "-T", part.sectors, "-h", "64", "-s", "32", "-H", part.first,
          "-N", serial, "-v", ESP_LABEL, "::"])
    folders = sorted({str(p) for name in files for p in Path(name).parents if str(p) != "."})
    for folder in folders:
        _run(["mmd", "-i", where, f"::/{folder}"])
    for name, source in sorted(files.items()):
        _run(["mcopy", "-i", where, source, f"::/{name}"])


# The root.

def _quoted(text):
    return '"' + text.replace('"', '""') + '"'


def _debugfs_commands(entries, scratch):
    """What fills an empty file system with the entries of a cpio archive."""
    kinds = {stat.S_IFCHR: "c", stat.S_IFBLK: "b"}
    for number, e in enumerate(entries):
        name, kind = _quoted("/" + e.name), stat.S_IFMT(e.mode)
        if kind == stat.S_IFDIR:
            yield f"mkdir {name}"
        elif kind == stat.S_IFREG:
            source = scratch / f"file-{number}"
            source.write_bytes(e.data)
            yield f"write {source} {name}"
        elif kind == stat.S_IFLNK:
            yield f"symlink {name} {_quoted(e.data.decode())}"
        else:               # knows no paths
            parent, _, base = e.name.rpartition("/")
            device = f"{kinds[kind]} {e.major} {e.minor}" if kind in kinds else "p"
            yield from (f"cd {_quoted('/' + parent)}", f"mknod {_quoted(base)} {device}", "cd /")
        if kind != stat.S_IFLNK:
            yield f"set_inode_field {name} mode 0{e.mode:o}"
        for field, value in (("uid", e.uid), ("gid", e.gid)):
            yield f"set_inode_field {name} {field} {value}"


def _write_root(image, part, arch, archive, scratch, kind):
    where = f"{image}?offset={part.first * gpt.SECTOR}"
    guid = identifier(arch, "root")
    _run(["mke2fs", "-q", "-F", "-t", kind, "-b", "4096", "-L", "aegis-root", "-U", guid,
          "-E", f"offset={part.first * gpt.SECTOR},hash_seed={guid},root_owner=0:0", "-m", "1",
          image, f"{part.sectors // 2}k"])
    script = scratch / "debugfs"
    script.write_text("".join(line + "\n" for line in _debugfs_commands(cpio.entries(archive), scratch)))
    said = _run(["debugfs", "-w", "-f", script, where]).stderr.splitlines()
    wrong = [line for line in said if not line.startswith("debugfs ")]      # its version
    if wrong:
        raise VmError(f"debugfs failed: {wrong[0]}")


# The whole.

def _boot_blocks(scratch, part):
    """GRUB for a PC's BIOS: the code of the MBR, and what stands in the BIOS boot partition."""
    folder = Path("/usr/lib/grub/i386-pc")
    if not (folder / "boot.img").exists():
        raise VmError("GRUB's BIOS images are not installed; run scripts/setup")
    boot = bytearray((folder / "boot.img").read_bytes())
    struct.pack_into("<Q", boot, BOOT_KERNEL_SECTOR, part.first)
    core = bytearray(_grub_core(scratch, "i386-pc", ["biosdisk"]).read_bytes())
    struct.pack_into("<Q", core, DISKBOOT_BLOCKLIST, part.first + 1)
    if len(core) > part.sectors * gpt.SECTOR:
        raise VmError(f"GRUB's core image has {len(core)} bytes: more than the BIOS boot partition")
    return bytes(boot), bytes(core)


def image_bytes(arch, kernel, words, initrd):
    """The bytes of an image whose loader gives the kernel an initrd, and which has no root."""
    with tempfile.TemporaryDirectory(prefix="aegis-disk-") as folder:
        write(Path(folder, "image"), arch, kernel, words, initrd=initrd)
        return Path(folder, "image").read_bytes()


def write(path, arch, kernel, words, initrd=None, root=None, root_mib=128, root_kind="ext4"):
    """Writes the image to `path`. `root`: a cpio archive for the root file system; `initrd`: bytes."""
    def part(kind, name, mib, attributes=0):
        return gpt.Partition(kind, identifier(arch, f"{name} partition"), name, mib * MIB // gpt.SECTOR, attributes)

    bios = part(gpt.BIOS_BOOT, "bios", 1) if arch == "x86_64" else None
    esp = part(gpt.EFI_SYSTEM, "esp", ESP_MIB, gpt.LEGACY_BOOTABLE)
    rest = part(gpt.LINUX_ROOT[arch], "root", root_mib) if root else None
    partitions = [p for p in (bios, esp, rest) if p]
    total = gpt.layout(partitions)
    with tempfile.TemporaryDirectory(prefix="aegis-disk-") as folder:
        scratch, boot = Path(folder), b""
        image = scratch / "image"
        with open(image, "wb") as file:
            file.truncate(total * gpt.SECTOR)
        _write_esp(image, esp, arch, _esp_files(arch, scratch, kernel, initrd, words))
        if rest:
            _write_root(image, rest, arch, root, scratch, root_kind)
        with open(image, "r+b") as file:
            if bios:
                boot, core = _boot_blocks(scratch, bios)
                file.seek(bios.first * gpt.SECTOR)
                file.write(core)
            for offset, data in gpt.tables(partitions, total, identifier(arch, "disk"), boot):
                file.seek(offset)
                file.write(data)
        shutil.move(image, path)
