# SPDX-License-Identifier: MIT
"""Turns a machine description into a running QEMU whose console is a socket of ours.

QEMU never outlives its parent (PR_SET_PDEATHSIG), and images are passed as memory
files by descriptor, so that nothing is left behind however a run ends.
"""

import ctypes
import dataclasses
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from . import devices, disk, iso
from .boards import Board
from .errors import VmError

# The deterministic mode: see tests/bench/README.md before touching it.
ICOUNT = ["-icount", "shift=0,sleep=off", "-seed", "1", "-rtc", "base=2024-01-01T00:00:00,clock=vm"]
ICOUNT_CPU = {"x86_64": "max,-erms,-fsrm", "arm64": "max,pauth-impdef=on"}
RIVAL_APPEND = ("mitigations=off audit=0 lsm=none init_on_alloc=0 randomize_kstack_offset=off "
                "hardened_usercopy=off nokaslr cgroup_disable=memory").split()
PR_SET_PDEATHSIG = 1
AEGIS, LINUX = "aegis", "linux"


@dataclasses.dataclass
class Machine:
    """All that decides how a guest starts."""

    board: Board
    kernel: Path
    initrd: bytes
    append: list
    system: str = AEGIS
    smp: int = 1
    memory_mib: int = 512
    icount: bool = False
    disks: list = dataclasses.field(default_factory=list)
    net: str = "none"
    result_channel: bool = True
    gdb_socket: str | None = None
    disk_image: Path | None = None      # boards that boot from a disk: this one, as it is
    extra: list = dataclasses.field(default_factory=list)


def command_line(machine):
    """The kernel's command line."""
    words = [f"console={machine.board.console}"]
    if machine.system == LINUX:
        words += ["panic=-1"] + (RIVAL_APPEND if machine.icount else [])
    elif machine.result_channel:
        words.append(f"aegis.exit={machine.board.supports['result']}")
    return " ".join(words + machine.append)


def _result_device(machine):
    if machine.board.supports["result"] == "debug-exit":
        return ["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]
    return ["-semihosting-config", "enable=on,target=native"]


def _cpu_and_clock(machine):
    if not machine.icount:
        return ["-cpu", machine.board.qemu["cpu"], "-smp", str(machine.smp)]
    if machine.smp != 1:
        raise VmError("--icount needs --smp 1: icount shows no parallelism")
    return ["-cpu", ICOUNT_CPU[machine.board.arch], "-smp", "1", *ICOUNT]


class Process:
    """A running QEMU: `console` is our end of the guest's serial line."""

    def __init__(self, machine):
        self.machine = machine
        binary = machine.board.qemu["binary"]
        if not shutil.which(binary):
            raise VmError(f"{binary} is not installed; run scripts/setup")
        ours, theirs = socket.socketpair()
        self.console = ours
        self._held = [theirs]
        try:
            self._start([binary, *self._arguments(theirs.fileno())])
        except BaseException:
            ours.close()
            raise
        finally:
            self._release()

    def _release(self):
        for item in self._held:
            item.close() if hasattr(item, "close") else os.close(item)
        self._held = []

    def _memory_file(self, name, data):
        """A path that QEMU can open for content that has no file."""
        fd = os.memfd_create(name)
        self._held.append(fd)
        with open(fd, "wb", closefd=False) as file:
            file.write(data)
        return f"/dev/fd/{fd}"

    def _boot(self):
        machine = self.machine
        words = command_line(machine)
        if machine.board.boot.startswith("grub"):
            image = iso.write(machine.kernel, machine.initrd, words, machine.system)
            return ["-cdrom", self._memory_file("iso", image)]
        if machine.board.boot == "disk":
            return self._boot_disk(words)
        boot = ["-kernel", str(machine.kernel), "-append", words]
        if machine.initrd:
            boot += ["-initrd", self._memory_file("initrd", machine.initrd)]
        return boot

    def _boot_disk(self, words):
        machine, keep = self.machine, ""
        if machine.disk_image:
            path = str(machine.disk_image).replace(",", ",,")
        else:
            path = self._memory_file("disk", disk.image_bytes(machine.board.arch, machine.kernel, words,
                                                              machine.initrd))
            keep = ",file.locking=off"
        return ["-drive", f"id=boot,if=none,format=raw,file={path}{keep}",
                "-device", "virtio-blk-pci,drive=boot,bootindex=0"]

    def _arguments(self, console):
        machine = self.machine
        args = ["-M", machine.board.qemu["machine"], "-accel", "tcg", *_cpu_and_clock(machine)]
        args += ["-m", str(machine.memory_mib), "-nodefaults", "-no-user-config", "-no-reboot"]
        args += ["-display", "none", "-chardev", f"socket,id=console,fd={console}"]
        args += ["-serial", "chardev:console", *machine.board.qemu["args"]]
        for number, disk in enumerate(machine.disks):
            args += disk.arguments(number)
        args += devices.net_arguments(machine.net, machine.board)
        if machine.result_channel:
            args += _result_device(machine)
        if machine.gdb_socket:
            args += ["-S", "-chardev", f"socket,id=gdb,path={machine.gdb_socket},server=on,wait=off",
                     "-gdb", "chardev:gdb"]
        return args + self._boot() + machine.extra

    def _start(self, command):
        keep = [item if isinstance(item, int) else item.fileno() for item in self._held]
        parent, libc = os.getpid(), ctypes.CDLL(None, use_errno=True)

        def die_with_parent():
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)

        self.command = command
        self.child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            pass_fds=keep, preexec_fn=die_with_parent, start_new_session=True)
        self.pidfd = os.pidfd_open(self.child.pid)

    def cpu_seconds(self):
        """CPU time QEMU has used so far."""
        fields = Path(f"/proc/{self.child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait(self, seconds):
        """QEMU's exit status, or None if it has not ended in time."""
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def errors(self):
        """What QEMU itself said, once it has ended."""
        return self.child.stderr.read().decode(errors="replace").strip()

    def close(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        self.child.stderr.close()
        self.console.close()
        os.close(self.pidfd)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
