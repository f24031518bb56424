#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Boots the image that `make disk` makes, from firmware to a root on ext4, and prints KTAP.

usage: tests/system/disk_boot.py --arch ARCH

On each board that boots from a disk: a first boot writes, removes and powers off; e2fsck on the
host finds nothing to mend and no journal to replay; a second boot finds what was written.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from harness import ARCHES, OUT, TOP, Report, out_dir  # noqa: E402

from aegisvm import boards  # noqa: E402

PROMPT = r"aegis:[^\r\n]*# "
FIRST = ("mount | grep ' / type ext4 (rw' && echo root-is-ext4", "root-is-ext4",
         "echo kept >/mnt/kept; cp -r /etc /mnt/etc; rm -r /mnt/etc; sync; echo late >/mnt/late; echo done=$?",
         "done=0")
SECOND = ("cat /mnt/kept /mnt/late; ls /mnt/etc; echo end", r"kept\r\nlate\r\n[^#]*No such file[^#]*end")


def talk(board, image, lines):
    """One boot: types each command and expects its answer, then powers off. A problem, or None."""
    words = ["--arch", board.arch, "--board", board.name, "--out", str(out_dir(board.arch)), "--image", str(image)]
    console = pexpect.spawn(str(TOP / "scripts/vm"), words, timeout=board.boot_seconds * 3, encoding="utf-8",
                            codec_errors="replace", cwd=TOP)
    try:
        console.expect(PROMPT)
        for command, answer in zip(lines[::2], lines[1::2]):
            console.sendline(command)
            console.expect(r"\n[^#]*" + answer)
            console.expect(PROMPT)
        console.sendline("poweroff")
        console.expect(pexpect.EOF)
    except (pexpect.TIMEOUT, pexpect.EOF) as why:
        return f"{type(why).__name__} after: {console.before[-1500:]}"
    finally:
        console.close(force=True)
    return None


def inspect(image, arch):
    """What e2fsck and dumpe2fs find wrong with the root; None: nothing."""
    offset = (66 if arch == "x86_64" else 65) << 20     # behind the loader's partitions
    where = f"{image}?offset={offset}"

    def tool(*words):
        path = shutil.which(words[0]) or shutil.which(words[0], path="/usr/sbin:/sbin")
        return subprocess.run([path, *words[1:], where], capture_output=True, text=True, check=False)

    checked = tool("e2fsck", "-fn")
    if checked.returncode:
        return checked.stdout[-1500:]
    features = tool("dumpe2fs", "-h").stdout
    return "the journal is to be replayed" if "needs_recovery" in features else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--arch", required=True, choices=ARCHES)
    args = parser.parse_args()
    report = Report()
    folder = OUT / "disk-boot"
    folder.mkdir(parents=True, exist_ok=True)
    for board in (b for b in boards.all_boards() if b.arch == args.arch and b.boot == "disk"):
        image = folder / f"{args.arch}-{board.name}.img"
        subprocess.run([TOP / "scripts/mkdisk", "--arch", args.arch, "--out", out_dir(args.arch), image], check=True,
                       stdout=subprocess.DEVNULL)
        report.check(f"{board.name} boots to its root", talk(board, image, FIRST))
        report.check(f"{board.name} leaves it clean", inspect(image, args.arch))
        report.check(f"{board.name} boots again and finds it", talk(board, image, SECOND))
        image.unlink()
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
