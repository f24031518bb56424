# SPDX-License-Identifier: MIT
"""Disks and networks: option syntax, QEMU arguments, and which driver each needs.

An option works on Aegis as soon as the kernel's configuration has the symbol that
the tables below name; until then it is refused in one line. On Linux the modules
named here are loaded by the agent.
"""

import dataclasses
import os
import re

from .errors import VmError

# option -> (Kconfig symbol of Aegis, Linux modules)
DISK_DRIVERS = {
    "virtio": ("CONFIG_VIRTIO_BLK", ["virtio_pci", "virtio_blk"]),
    "virtio-mmio": ("CONFIG_VIRTIO_BLK", ["virtio_mmio", "virtio_blk"]),
    "nvme": ("CONFIG_NVME", []),
    "ahci": ("CONFIG_AHCI", ["ahci", "sd_mod"]),
}
NET_DRIVERS = {"user": ("CONFIG_VIRTIO_NET", ["virtio_pci", "virtio_mmio", "virtio_net"])}
SHARE_DRIVER = "CONFIG_9P_FS"
DISK_ROOT_DRIVER = "CONFIG_EXT2_FS"


@dataclasses.dataclass(frozen=True)
class Disk:
    """One --disk FILE[,if=KIND][,bs=512|4096][,ro]."""

    path: str
    kind: str
    block_size: int = 512
    read_only: bool = False

    def arguments(self, number):
        name = f"disk{number}"
        drive = f"id={name},if=none,format=raw,file={self.path.replace(',', ',,')}"
        if self.read_only:
            drive += ",readonly=on"
        size = f"logical_block_size={self.block_size},physical_block_size={self.block_size}"
        device = {
            "virtio": f"virtio-blk-pci,drive={name},{size}",
            "virtio-mmio": f"virtio-blk-device,drive={name},{size}",
            "nvme": f"nvme,serial=aegis{number},drive={name},{size}",
            "ahci": f"ide-hd,bus=ahci{number}.0,drive={name},{size}",
        }[self.kind]
        bus = ["-device", f"ahci,id=ahci{number}"] if self.kind == "ahci" else []
        return ["-drive", drive, *bus, "-device", device]


def parse_disk(text, board):
    path, *words = text.split(",")
    options = {"kind": board.supports["disk"][0]}
    for word in words:
        key, _, value = word.partition("=")
        if word == "ro":
            options["read_only"] = True
        elif key == "if" and value in DISK_DRIVERS:
            options["kind"] = value
        elif key == "bs" and value in ("512", "4096"):
            options["block_size"] = int(value)
        else:
            raise VmError(f"--disk: '{word}' is none of if={'|'.join(DISK_DRIVERS)}, bs=512|4096, ro")
    if options["kind"] not in board.supports["disk"]:
        raise VmError(f"--disk: board {board.name} has no {options['kind']}; "
                      f"it has {', '.join(board.supports['disk'])}")
    if not os.path.exists(path):
        raise VmError(f"--disk: {path}: no such file")
    return Disk(path, **options)


def net_arguments(net, board):
    if net == "none":
        return ["-nic", "none"] if board.qemu["machine"].startswith("virt") else []
    bus = "device" if board.supports["disk"] == ["virtio-mmio"] else "pci"
    return ["-netdev", "user,id=net0", "-device", f"virtio-net-{bus},netdev=net0,romfile="
            if bus == "pci" else f"virtio-net-{bus},netdev=net0"]


def check_net(net, board):
    if net != "none" and net not in board.supports["net"]:
        raise VmError(f"--net: '{net}' is none of none, {', '.join(board.supports['net'])}")


def require_driver(option, symbol, out):
    """Refuses an option for whose driver this Aegis build has no symbol."""
    try:
        config = (out / "auto.conf").read_text()      # what was built, new symbols included
    except OSError:
        config = ""
    if not re.search(rf"^{symbol}=[ym]$", config, re.M):
        raise VmError(f"{option}: this Aegis kernel has no driver for it yet ({symbol}); "
                      "it comes with a later issue")


def linux_modules(disks, net):
    """Names of the Linux modules that the machine's devices need."""
    names = []
    for disk in disks:
        names += DISK_DRIVERS[disk.kind][1]
    if net != "none":
        names += NET_DRIVERS[net][1]
    return list(dict.fromkeys(names))
