# SPDX-License-Identifier: MIT
"""Measures one kernel with osbench: rows, boot, memory. scripts/bench puts two of them side by side.

osbench runs as process 1 in a bare initramfs, under icount: nothing else runs in the guest and
a boot costs no user-space start-up. A row that hangs or panics the kernel is marked and the
machine is started again with the rows that are left.
"""

import dataclasses
import hashlib
import json
import struct
import subprocess
from pathlib import Path

from . import agent, boards, console, cpio, debian, figures, qemu
from .errors import VmError
from .log import KernelLog
from .paths import cache_dir, replace_file

CFLAGS = ["-std=gnu17", "-O2", "-static", "-pthread", "-Wall", "-Wextra"]
ARCH_FLAGS = {"x86_64": [], "arm64": ["-mno-outline-atomics"]}
THEMES = "support sys ipc net proc thread mem file event par init main".split()
SCALING = ("par_", "thr_")      # measured without icount, by other means: see tests/bench/README.md
SILENCE = 120                   # seconds without a line before a row counts as hung
MEMORY_PROBE = 512


def osbench(arch, out, cc=None):
    """Builds osbench once for each architecture and compiler."""
    sources = [figures.BENCH_DIR / f"{name}.c" for name in THEMES]
    sources.append(figures.BENCH_DIR / "osbench.h")
    return agent.build_program(arch, agent.compiler(arch, out, cc), sources,
                               CFLAGS + ARCH_FLAGS[arch], "osbench")


def row_names():
    """All rows that count under icount, in osbench's order (read from its tables)."""
    names = []
    for theme in THEMES:
        for line in (figures.BENCH_DIR / f"{theme}.c").read_text().splitlines():
            if line.startswith("\t{ .name = \""):
                names.append(line.split('"')[1])
    return [name for name in names if not name.startswith(SCALING)]


def _base_root():
    root = cpio.Archive()
    for name in ("dev", "proc", "sys", "tmp", "bin", "etc"):
        root.folder(name)
    root.device("dev/console", 0o600, 5, 1)
    return root


def bench_root(arch, program, arguments):
    """The initramfs of a run: osbench as /init, and busybox's sh and true for sh_true_10."""
    root = _base_root()
    root.file("bin/busybox", debian.busybox(arch).read_bytes(), 0o755)
    root.link("bin/sh", "busybox")
    root.link("bin/true", "busybox")
    root.file("init", program.read_bytes(), 0o755)
    root.file("etc/osbench.args", "".join(word + "\n" for word in arguments).encode())
    return root.data()


SHELL_UP = b"aegis-shell-up"


def shell_root(arch):
    """The smallest initramfs with a shell: for the least memory that boots."""
    root = _base_root()
    root.file("bin/busybox", debian.busybox(arch).read_bytes(), 0o755)
    root.link("bin/sh", "busybox")
    root.file("init", b"#!/bin/sh\necho " + SHELL_UP + b"\n/bin/busybox poweroff -f\n", 0o755)
    return root.data()


@dataclasses.dataclass
class Subject:
    """A kernel under measurement."""

    arch: str
    system: str
    kernel: Path
    program: Path

    def machine(self, initrd, memory_mib, icount=True):
        board = boards.get_board(self.arch, boards.BENCH_BOARD[self.arch])
        return qemu.Machine(board=board, kernel=self.kernel, initrd=initrd, system=self.system,
                            append=["quiet"], memory_mib=memory_mib, icount=icount)


class Reader:
    """Gathers rows and markers from one boot's console."""

    def __init__(self):
        self.rows, self.memory = {}, {}
        self.boot_ns, self.done = None, False
        self.log = KernelLog()
        self._part = b""

    def feed(self, data):
        self.log.text(data)
        *lines, self._part = (self._part + data).split(b"\n")
        for line in lines:
            self._line(line.decode(errors="replace").rstrip("\r"))

    def _line(self, line):
        row = figures.parse_row(line)
        if row:
            self.rows[row[0]] = row[1:]
        elif found := figures.MARKER.search(line):
            cycles, hz = int(found[1]), int(found[2])
            self.boot_ns = cycles * 1_000_000_000 // hz if hz else cycles
        elif found := figures.MEMINFO.search(line):
            self.memory[found[1]] = int(found[2])
        self.done = self.done or line.startswith("# osbench: done")


def _one_boot(subject, arguments, memory_mib):
    """One boot of osbench with the given arguments; its Reader and why it ended early."""
    reader = Reader()
    machine = subject.machine(bench_root(subject.arch, subject.program, arguments), memory_mib)
    with qemu.Process(machine) as process:
        while True:
            before = len(reader.log.tail()), len(reader.rows)
            status = console.read_to_end(process, SILENCE, reader.feed)
            if status is not None or reader.done:
                break
            if before == (len(reader.log.tail()), len(reader.rows)):
                return reader, "hung"
        if reader.done:
            return reader, None
        return reader, "kernel panic" if reader.log.panicked else "machine stopped"


def measure_rows(subject, names, memory_mib, options, on_row=lambda *_: None):
    """{name: (ns, reason)} of the named rows, whatever a row does to the kernel."""
    rows, left = {}, list(names)
    while left:
        reader, trouble = _one_boot(subject, [*options, *(f"={name}" for name in left)], memory_mib)
        rows.update(reader.rows)
        left = [name for name in left if name not in rows]
        if trouble and reader.boot_ns is None:
            tail = reader.log.tail()
            for name in left:
                rows[name] = None, f"FAIL no start of init: {tail[-1] if tail else trouble}"
            break
        if left:
            victim = left.pop(0)
            rows[victim] = None, f"FAIL {trouble or 'no such row in osbench'}"
    for name in names:
        on_row(name, *rows[name])
    return {name: rows[name] for name in names}


def measure_boot(subject):
    """Guest instructions from QEMU's start to process 1, and MiB missing for programs at 512 MiB."""
    reader, trouble = _one_boot(subject, ["-m", "=none"], MEMORY_PROBE)
    if reader.boot_ns is None:
        tail = reader.log.tail()
        raise VmError(f"{subject.system} does not reach init: {trouble}", log_tail=tail)
    available = reader.memory.get("MemAvailable", reader.memory.get("MemFree"))
    missing = None if available is None else MEMORY_PROBE - available / 1024
    return reader.boot_ns, missing


def _boots_in(subject, initrd, memory_mib, seconds):
    seen = bytearray()
    with qemu.Process(subject.machine(initrd, memory_mib, icount=False)) as process:
        def on_data(data):
            seen.extend(data)
            if SHELL_UP in seen:
                process.child.kill()
        console.read_to_end(process, seconds, on_data)
    return SHELL_UP in seen


def measure_min_memory(subject, highest=256, seconds=60):
    """The smallest -m in MiB that reaches a shell, or None if `highest` does not."""
    initrd = shell_root(subject.arch)
    if not _boots_in(subject, initrd, highest, seconds):
        return None
    low, high = 0, highest
    while high - low > 1:
        middle = (low + high) // 2
        if _boots_in(subject, initrd, middle, seconds):
            high = middle
        else:
            low = middle
    return high


def image_bytes(path):
    """Bytes of a kernel image that get loaded: an ELF's segments, else the file."""
    data = Path(path).read_bytes()
    if data[:4] != b"\x7fELF" or data[4] != 2:
        return len(data)
    offset, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    total = 0
    for i in range(count):
        kind, = struct.unpack_from("<I", data, offset + i * size)
        if kind == 1:       # PT_LOAD: p_filesz
            total += struct.unpack_from("<Q", data, offset + i * size + 32)[0]
    return total


def qemu_version(arch):
    binary = boards.get_board(arch, boards.BENCH_BOARD[arch]).qemu["binary"]
    return subprocess.run([binary, "--version"], capture_output=True, text=True).stdout.split("\n")[0]


class Cache:
    """Linux's figures: they change only with its kernel, osbench, QEMU, or how we start them."""

    def __init__(self, subject):
        key = hashlib.sha256()
        for part in (debian.kernel_version(subject.arch), qemu_version(subject.arch),
                     subject.program.name, *qemu.ICOUNT, *qemu.RIVAL_APPEND):
            key.update(part.encode() + b"\0")
        self.path = cache_dir() / "bench" / f"linux-{subject.arch}-{key.hexdigest()[:16]}.json"
        self.data = json.loads(self.path.read_text()) if self.path.exists() else {}

    def get(self, name, measure):
        if name not in self.data:
            self.data[name] = measure()
            replace_file(self.path, json.dumps(self.data, indent=1).encode())
        return self.data[name]

    def rows(self, key, names, measure):
        """Like get, for rows: measures those that are not known yet."""
        known = self.data.setdefault(key, {})
        missing = [name for name in names if name not in known]
        if missing:
            known.update(measure(missing))
            replace_file(self.path, json.dumps(self.data, indent=1).encode())
        return {name: tuple(known[name]) for name in names}
