# SPDX-License-Identifier: MIT
"""Boards as data: reads and checks arch/<arch>/boards/<name>/board.toml."""

import dataclasses
import tomllib

from .errors import VmError
from .paths import TREE

ARCHES = ("x86_64", "arm64")
ARCH_ALIASES = {"amd64": "x86_64", "aarch64": "arm64"}
DEFAULT_BOARD = {"x86_64": "q35", "arm64": "virt-gicv3"}
BENCH_BOARD = {"x86_64": "pc", "arm64": "virt-gicv2"}
BOOT_CHAINS = ("pvh", "grub-bios", "grub-uefi", "image", "u-boot", "disk")
RESULT_CHANNELS = ("debug-exit", "semihosting")
DISK_KINDS = ("virtio", "virtio-mmio", "nvme", "ahci")
NET_KINDS = ("user",)

# section -> key -> type; every key must be there and no other may be
SCHEMA = {
    "": {"summary": str, "boot": str, "console": str, "kernel": str, "boot_seconds": int},
    "qemu": {"binary": str, "machine": str, "cpu": str, "args": list},
    "defaults": {"memory_mib": int, "smp": int},
    "limits": {"max_smp": int, "min_memory_mib": int},
    "supports": {"disk": list, "net": list, "result": str},
}
CHOICES = {
    ("", "boot"): BOOT_CHAINS,
    ("supports", "result"): RESULT_CHANNELS,
    ("supports", "disk"): DISK_KINDS,
    ("supports", "net"): NET_KINDS,
}


@dataclasses.dataclass(frozen=True)
class Board:
    """One machine that Aegis boots on, as its board.toml says."""

    arch: str
    name: str
    summary: str
    boot: str
    console: str
    kernel: str
    boot_seconds: int
    qemu: dict
    defaults: dict
    limits: dict
    supports: dict


def _check_value(where, section, key, value):
    kind = SCHEMA[section][key]
    if type(value) is not kind:
        raise VmError(f"{where}: {key} must be of type {kind.__name__}")
    if kind is list and not all(isinstance(item, str) for item in value):
        raise VmError(f"{where}: {key} must be a list of strings")
    allowed = CHOICES.get((section, key))
    for item in value if kind is list else [value]:
        if allowed and item not in allowed:
            raise VmError(f"{where}: {key}: {item!r} is none of {', '.join(allowed)}")


def _check(where, data):
    tops = {k: v for k, v in data.items() if not isinstance(v, dict)}
    sections = {"": tops, **{k: v for k, v in data.items() if isinstance(v, dict)}}
    if set(sections) != set(SCHEMA):
        wrong = set(sections) ^ set(SCHEMA)
        raise VmError(f"{where}: missing or unknown section: {', '.join(sorted(wrong))}")
    for section, keys in SCHEMA.items():
        wrong = set(sections[section]) ^ set(keys)
        if wrong:
            raise VmError(f"{where}: missing or unknown key: {', '.join(sorted(wrong))}")
        for key, value in sections[section].items():
            _check_value(where, section, key, value)


def _load(arch, path):
    where = path.relative_to(TREE) if path.is_relative_to(TREE) else path
    try:
        data = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as err:
        raise VmError(f"{where}: {err}") from err
    _check(where, data)
    return Board(arch=arch, name=path.parent.name, **data)


def known_boards(arch):
    """Names of an architecture's boards, the default first."""
    names = sorted(p.parent.name for p in (TREE / "arch" / arch / "boards").glob("*/board.toml"))
    return sorted(names, key=lambda name: name != DEFAULT_BOARD[arch])


def all_boards():
    return [get_board(arch, name) for arch in ARCHES for name in known_boards(arch)]


def get_arch(name):
    arch = ARCH_ALIASES.get(name, name)
    if arch not in ARCHES:
        raise VmError(f"unknown architecture '{name}'; known: {', '.join(ARCHES)}")
    return arch


def get_board(arch, name=None):
    name = name or DEFAULT_BOARD[arch]
    if name not in known_boards(arch):
        raise VmError(f"unknown board '{name}' for {arch}; known: {', '.join(known_boards(arch))}")
    return _load(arch, TREE / "arch" / arch / "boards" / name / "board.toml")
