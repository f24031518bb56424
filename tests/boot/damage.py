#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Boots with damaged or missing boot data: each must end in a clear message; prints KTAP.

usage: tests/boot/damage.py --arch ARCH [--show]

Initial roots are damaged through scripts/vm; device trees by a stub that enters the kernel as
firmware would, with a tree that QEMU would refuse to pass on.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from harness import ARCHES, Report, out_dir, run, vm  # noqa: E402

HERE = Path(__file__).resolve().parent
RAM = 0x40000000
# QEMU itself writes a tree to the start of memory.
STUB, TREE, IMAGE = RAM + (96 << 20), RAM + (64 << 20), RAM + (2 << 20)
SECONDS = 20
# How a line says that something is wrong.
COMPLAINTS = ("panic", "error", "damaged", "cut short", "truncated", "cannot", "no ", "bad")


def initrds(image):
    """(name, bytes, words of which one must be said)"""
    middle = len(image) // 2
    noise = bytes((i * 167 + 13) & 0xff for i in range(4096))
    init = ("init", "initramfs", "initrd")
    return [
        ("an empty initrd", b"", init),
        ("an initrd of noise", noise, init),
        ("an initrd cut in its first header", image[:60], init),
        ("an initrd cut in the middle", image[:middle - middle % 4 + 7], init),
        ("a damaged header in the initrd", image[:0] + b"070701" + b"z" * 104 + image[110:], init),
        ("a gzip initrd that ends early", b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + noise[:200], init),
        ("a zstd initrd that ends early", b"\x28\xb5\x2f\xfd" + noise[:200], init),
    ]


def judge(done, words):
    """What is wrong with how a damaged machine ended; None if it said what the matter is."""
    text = (done.log + done.out + done.err).lower()
    said = any(word in line and any(bad in line for bad in COMPLAINTS)
               for line in text.split("\n") for word in words)
    return None if said else f"no clear message\n{done.story()}"


def initrd_cases(report, arch, show):
    image = (out_dir(arch) / "initramfs.cpio").read_bytes()
    with tempfile.TemporaryDirectory() as scratch:
        for number, (name, data, words) in enumerate(initrds(image)):
            path = Path(scratch) / f"initrd{number}"
            path.write_bytes(data)
            # No command: the agent's overlay would bring an init of its own.
            done = vm(arch, seconds=SECONDS, log=Path(scratch) / "log",
                      options=["--initrd", path])
            if show:
                print(done.story())
            report.check(name, judge(done, words))


def damaged_trees(good):
    yield "no device tree", b"", ("device tree",)
    yield "a device tree of noise", bytes((i * 167 + 13) & 0xff for i in range(4096)), ("device tree",)
    yield "a device tree cut short", good[:len(good) // 3], ("device tree",)
    yield "a device tree with a size beyond memory", good[:4] + b"\xff" * 4 + good[8:], ("device tree",)
    yield "a device tree without memory", good.replace(b"memory\0", b"mumory\0"), ("memory",)


def tree_cases(report, arch, show):
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        stub = build_stub(scratch)
        machine = f"virt,gic-version=3,dumpdtb={scratch / 'good.dtb'}"
        run(["qemu-system-aarch64", "-M", machine, "-cpu", "cortex-a57", "-m", "512", "-display", "none"], 30)
        for title, data, words in damaged_trees(unpadded((scratch / "good.dtb").read_bytes())):
            done = boot_tree(arch, scratch, stub, data)
            if show:
                print(done.story())
            report.check(title, judge(done, words))


def unpadded(tree):
    """QEMU pads a tree to a megabyte: what is left ends with its structure or its strings."""
    word = lambda at: int.from_bytes(tree[at:at + 4], "big")            # noqa: E731
    end = max(word(8) + word(36), word(12) + word(32))
    return tree[:4] + end.to_bytes(4, "big") + tree[8:end]


def build_stub(scratch):
    command = ["aarch64-linux-gnu-gcc", "-nostdlib", "-static", f"-DDTB={TREE:#x}", f"-DIMAGE={IMAGE:#x}",
               "-Wl,--build-id=none", f"-Wl,-Ttext={STUB:#x}", "-o", scratch / "stub.elf", HERE / "stub_arm64.S"]
    subprocess.run(command, check=True)
    return scratch / "stub.elf"


def boot_tree(arch, scratch, stub, data):
    """The kernel entered by the stub; a damaged tree names no console, so PL011 is assumed."""
    (scratch / "tree.dtb").write_bytes(data or bytes(64))
    loaders = [f"loader,file={stub},cpu-num=0", f"loader,file={out_dir(arch) / 'Image'},addr={IMAGE:#x},force-raw=on",
               f"loader,file={scratch / 'tree.dtb'},addr={TREE:#x},force-raw=on"]
    return run(["qemu-system-aarch64", "-M", "virt,gic-version=3", "-cpu", "max,pauth-impdef=on", "-m", "512",
                "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot",
                "-semihosting-config", "enable=on,target=native",
                *[word for device in loaders for word in ("-device", device)]], SECONDS)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--arch", required=True, choices=ARCHES)
    parser.add_argument("--show", action="store_true", help="print what each machine said")
    args = parser.parse_args()
    report = Report()
    initrd_cases(report, args.arch, args.show)
    if args.arch == "arm64":
        tree_cases(report, args.arch, args.show)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
