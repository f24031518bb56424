# SPDX-License-Identifier: MIT
"""A GRUB 2 rescue ISO that boots on BIOS and UEFI alike: a kernel, its initrd and its command line."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from .errors import VmError

MODULES = ("multiboot2 linux serial terminal normal boot part_gpt part_msdos fat iso9660 "
           "search search_fs_file configfile")
HEAD = """serial --unit=0 --speed=115200
terminal_input serial console
terminal_output serial console
set timeout=0
"""
ENTRY = {
    "aegis": ("multiboot2 /boot/kernel {words}", "module2 /boot/initrd initrd"),
    "linux": ("linux /boot/kernel {words}", "initrd /boot/initrd"),
}


def _quote(words):
    return " ".join("'" + word.replace("'", "'\\''") + "'" for word in words.split())


def config(words, system, has_initrd):
    kernel, initrd = ENTRY[system]
    lines = [kernel.format(words=_quote(words))] + ([initrd] if has_initrd else [])
    return HEAD + 'menuentry "Aegis" {\n' + "".join(f"\t{line}\n" for line in lines) + "}\n"


def write(kernel, initrd, words, system):
    """The ISO's bytes (about 5 MB and what it carries)."""
    if not shutil.which("grub-mkrescue"):
        raise VmError("grub-mkrescue is not installed; run scripts/setup")
    with tempfile.TemporaryDirectory(prefix="aegis-iso-") as scratch:
        boot = Path(scratch, "root/boot")
        (boot / "grub").mkdir(parents=True)
        shutil.copyfile(kernel, boot / "kernel")
        if initrd:
            (boot / "initrd").write_bytes(initrd)
        (boot / "grub/grub.cfg").write_text(config(words, system, bool(initrd)))
        image = Path(scratch, "image.iso")
        done = subprocess.run(
            ["grub-mkrescue", "--fonts=", "--locales=", "--themes=", f"--install-modules={MODULES}",
             "-o", str(image), f"{scratch}/root"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise VmError(f"grub-mkrescue failed: {done.stderr.strip().splitlines()[-1]}")
        return image.read_bytes()
