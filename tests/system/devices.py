#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Lists devices and their drivers on every board, and takes one away and back; compares what /sys says
about PCI with Linux on the same machine; prints KTAP.

usage: tests/system/devices.py --arch ARCH

Every board gets a virtio entropy source on each bus it has for one. Bridges, the older PC's
interrupt pins and packed rings have machines of their own; one of them runs the debug kernel.
"""

import argparse
import difflib
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from harness import Report, vm  # noqa: E402
from aegisvm import boards  # noqa: E402

SCRIPT = Path(__file__).resolve().with_suffix(".sh")
SLOW_CHAINS = ("grub-bios", "grub-uefi", "u-boot")
PORT = "pcie-root-port,id=port{0},chassis={0},slot={0}"
RNG = "virtio-rng-pci"

# board: further machines as (name, devices, PCI address of the device to remove, configuration)
EXTRA = {
    "q35": [
        ("behind a port", [PORT.format(1), RNG + ",bus=port1", PORT.format(2)], "0000:01:00.0", "default"),
        ("debug kernel", [RNG + ",addr=5"], "0000:00:05.0", "debug"),
    ],
    "pc": [
        ("behind two bridges, by pin",
         ["pci-bridge,id=one,chassis_nr=1,addr=4", "pci-bridge,id=two,bus=one,chassis_nr=2,addr=5",
          RNG + ",bus=two,addr=3,vectors=0"], "0000:02:03.0", "default"),
    ],
    "virt-gicv2": [
        ("behind a port", [PORT.format(1), RNG + ",bus=port1"], "0000:01:00.0", "default"),
    ],
    "virt-gicv3": [
        ("by pin", [RNG + ",addr=5,vectors=0"], "0000:00:05.0", "default"),
        ("debug kernel", [PORT.format(1), RNG + ",bus=port1,packed=on"], "0000:01:00.0", "debug"),
    ],
}


def machines(arch):
    """(name, board, devices, device to remove, configuration, virtio devices)"""
    for board in boards.all_boards():
        if board.arch != arch or board.boot in SLOW_CHAINS:
            continue
        devices, gone = [], None
        if "virtio-mmio" in board.supports["disk"]:
            devices.append("virtio-rng-device")
        if "virtio" in board.supports["disk"]:
            devices.append(RNG + ",addr=6,packed=on")
            gone = "0000:00:06.0"
        yield board.name, board, devices, gone, "default", len(devices)
        for name, more, address, config in EXTRA.get(board.name, []):
            yield f"{board.name}, {name}", board, more, address, config, 1


def problem_of(done, virtio, gone):
    lines = done.out.split("\n")
    listed = [line.split() for line in lines if line.startswith("device ")]
    windows = dict(line.split()[1:] for line in lines if line.startswith("windows "))
    bound = [words for words in listed if words[1] == "virtio" and words[3] == "virtio_rng"]
    if done.status or "broken" in done.out or done.complaints():
        return done.story()
    if len(bound) != virtio:
        return f"{len(bound)} of {virtio} entropy sources have their driver\n{done.story()}"
    if not any(words[3] in ("ns16550", "pl011") for words in listed):
        return f"no console among the devices\n{done.story()}"
    if gone and int(windows.get(gone, 0)) < 1:
        return f"{gone} has no windows\n{done.story()}"
    if gone and "removed and found again" not in lines:
        return done.story()
    return None


LISTING = """for p in /sys/bus/pci/devices/*; do
    for a in vendor device class subsystem_vendor subsystem_device revision modalias; do
        echo "${p##*/} $a $(cat $p/$a)"
    done
    echo "${p##*/} link $(readlink $p)"
    head -c 16 $p/config | od -A n -t x1
done"""


def difference_to_linux(arch):
    """The same machine, a port and an empty port, on both kernels."""
    options = ["--device", PORT.format(1), "--device", RNG + ",bus=port1", "--device", PORT.format(2)]
    ours, linux = (vm(arch, "sh", "-c", LISTING, options=options, linux=rival) for rival in (False, True))
    if ours.status or linux.status:
        return ours.story() + linux.story()
    # The command and status words of a header are the kernel's: bytes 4 to 7.
    plain = [[re.sub(r"^((?: ..){4})(?: ..){4}", r"\1", line) for line in ran.out.split("\n")]
             for ran in (linux, ours)]
    return "\n".join(difflib.unified_diff(*plain, "linux", "aegis", n=0, lineterm=""))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--arch", required=True)
    arch = p.parse_args().arch
    report = Report()
    for name, board, devices, gone, config, virtio in machines(arch):
        options = ["--board", board.name, "--smp", 2,
                   "--put", f"{SCRIPT}:/bin/devices.sh"]
        for device in devices:
            options += ["--device", device]
        done = vm(arch, "sh", "/bin/devices.sh", *([gone] if gone else []), config=config,
                  options=options, seconds=120)
        report.check(name, problem_of(done, virtio, gone))
    report.check("PCI in /sys as Linux has it", difference_to_linux(arch))
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
