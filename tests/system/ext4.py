#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""ext4 between Aegis and Linux: what one writes and leaves unclean, the other replays and reads.

    ext4.py --arch x86_64|arm64 [--out DIR]

For each kind of image: one kernel fills it, syncs and is cut off without unmounting; the other
mounts it, which replays the journal, and lists what it finds; e2fsck -fn must find nothing then.
Prints KTAP; exits with 1 when a test failed.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
KINDS = {
    "ext4-4k": ["-t", "ext4", "-b", "4096"],
    "ext4-1k": ["-t", "ext4", "-b", "1024"],
    "ext3-1k": ["-t", "ext3", "-b", "1024"],
}

FILL = """
set -e
mkdir -p /mnt
mount -t {type} /dev/vda /mnt
cd /mnt
mkdir -p a/b/c many
i=0
while [ $i -lt 200 ]; do echo "content $i" > many/a-name-of-some-length-$i; i=$((i + 1)); done
dd if=/dev/zero of=a/zeros bs=64k count=40 2>/dev/null
cp /bin/fill.sh a/b/script
ln a/b/script a/b/c/hard
ln -s ../script a/b/c/soft
i=0
while [ $i -lt 200 ]; do rm many/a-name-of-some-length-$i; i=$((i + 3)); done
mv many/a-name-of-some-length-1 a/moved
mkdir gone
rmdir gone
echo first > a/replaced
echo second > a/new
mv a/new a/replaced
sync
echo filled
"""

SHOW = """
set -e
mkdir -p /mnt
mount -t {type} /dev/vda /mnt
cd /mnt
cat a/replaced a/moved a/b/c/soft
cksum a/zeros a/b/script a/b/c/hard
ls a a/b a/b/c
ls many
cat many/*
cd /
umount /mnt
echo shown
"""

E2FS_PATH = dict(os.environ, PATH=os.environ.get("PATH", "") + ":/sbin:/usr/sbin")


def run(vm, script, name, disk, linux):
    """The script's output in the guest, or an AssertionError with all of it."""
    path = pathlib.Path(disk).with_suffix(".sh")
    path.write_text(script)
    command = [str(TOP / "scripts/vm"), *vm, "--mem", "256", "--timeout", "150",
               "--disk", str(disk), "--put", f"{path}:/bin/{name}", "--log", str(path) + ".log"]
    if linux:
        command.append("--linux")
    done = subprocess.run([*command, "--", "sh", f"/bin/{name}"], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    log = pathlib.Path(str(path) + ".log")
    assert done.returncode == 0, (done.stdout + done.stderr +
                                  (log.read_text(errors="replace") if log.exists() else ""))
    return done.stdout


def fsck(disk):
    done = subprocess.run(["e2fsck", "-fn", disk], capture_output=True, text=True, env=E2FS_PATH)
    assert done.returncode == 0, done.stdout


def exchange(vm, work, kind, options, writer):
    disk = pathlib.Path(work) / f"{kind}-{writer}.img"
    subprocess.run(["mke2fs", "-q", "-F", *options, disk, "32M"], check=True, env=E2FS_PATH,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    fs = options[1]
    fill, show = FILL.format(type=fs), SHOW.format(type=fs)
    assert "filled" in run(vm, fill, "fill.sh", disk, writer == "linux")
    seen = {}
    for reader in ("linux", "aegis"):
        copy = disk.with_name(f"{disk.stem}-{reader}.img")
        shutil.copy(disk, copy)
        seen[reader] = run(vm, show, "show.sh", copy, reader == "linux")
        assert "shown" in seen[reader], seen[reader]
        fsck(copy)
    assert seen["linux"] == seen["aegis"], f"Linux:\n{seen['linux']}\nAegis:\n{seen['aegis']}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--arch", required=True, choices=("x86_64", "arm64"))
    parser.add_argument("--out")
    parser.add_argument("kinds", nargs="*")
    args = parser.parse_args()
    vm = ["--arch", args.arch]
    vm += ["--out", args.out] if args.out else []
    cases = [(k, w) for k in KINDS if not args.kinds or k in args.kinds for w in ("aegis", "linux")]
    print(f"KTAP version 1\n1..{len(cases)}", flush=True)
    failed = 0
    with tempfile.TemporaryDirectory() as work:
        for n, (kind, writer) in enumerate(cases, 1):
            try:
                exchange(vm, work, kind, KINDS[kind], writer)
                print(f"ok {n} {kind}.written-by-{writer}", flush=True)
            except AssertionError as e:
                failed += 1
                for line in str(e).splitlines()[-40:]:
                    print(f"# {line}")
                print(f"not ok {n} {kind}.written-by-{writer}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
