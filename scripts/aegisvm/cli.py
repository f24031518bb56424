# SPDX-License-Identifier: MIT
"""The command line of scripts/vm."""

import argparse
import json
import os
import shlex
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from . import agent, boards, console, debian, devices, initrd, iso, ktest, qemu, session
from .errors import VmError
from .log import KernelLog
from .paths import output_dir

GUEST_ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "TERM": "dumb", "LANG": "C"}
DEBIAN_MIB = 2048           # the root twice, as cpio and as tmpfs, and room to work
BOOT_TIMEOUT_FACTOR = 3     # a loaded host; the board says what an idle one takes

EPILOG = """With a command: its stdin, stdout, stderr and exit status pass through unaltered.
Without one: an interactive console; Ctrl-A x quits.
Exit status: the command's own (128+n for signal n); 124 time-out; 2 bad use or the
machine did not come up."""


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise VmError(message)


def _parser():
    p = Parser(prog="scripts/vm", epilog=EPILOG, allow_abbrev=False,
               formatter_class=argparse.RawDescriptionHelpFormatter,
               usage="scripts/vm [options] [-- CMD ARGS...]")
    p.add_argument("--arch", default=os.environ.get("ARCH") or "x86_64", help="x86_64 (default) or arm64")
    p.add_argument("--board", default=os.environ.get("BOARD") or None, help="see --list-boards")
    p.add_argument("--smp", type=int, metavar="N", help="number of CPUs")
    p.add_argument("--mem", type=int, metavar="MIB", help="memory in MiB")
    p.add_argument("--disk", action="append", default=[], metavar="FILE[,if=KIND][,bs=4096][,ro]",
                   help="a disk image; KIND: " + ", ".join(devices.DISK_DRIVERS))
    p.add_argument("--share", metavar="DIR", help="a host folder for the guest (9p)")
    p.add_argument("--root", default="initramfs", metavar="initramfs|debian|FILE",
                   help="the root file system")
    p.add_argument("--image", metavar="FILE",
                   help="on a board that boots from a disk: this image (default without a command: what "
                        "'make disk' made)")
    p.add_argument("--net", default="none", help="none (default) or user")
    p.add_argument("--device", action="append", default=[], metavar="SPEC",
                   help="one more device, in the words of QEMU's -device")
    p.add_argument("--append", default="", metavar="TEXT", help="more words for the kernel")
    p.add_argument("--env", action="append", default=[], metavar="NAME=VALUE",
                   help="set a variable for the command")
    p.add_argument("--cwd", default="/", metavar="DIR", help="the command's working directory")
    p.add_argument("--init", action="store_true",
                   help="start the command from the image's own init, not as its replacement")
    p.add_argument("--put", action="append", default=[], metavar="FILE[:PATH]",
                   help="copy a host file into the guest (default /bin/NAME)")
    p.add_argument("--icount", action="store_true", help="deterministic: 1 ns = 1 instruction")
    p.add_argument("--debug", action="store_true", help="wait for gdb before the first instruction")
    p.add_argument("--timeout", type=float, metavar="S", help="give up after S seconds (status 124)")
    p.add_argument("--linux", action="store_true", help="run Debian's cloud kernel instead of Aegis")
    p.add_argument("--kernel", metavar="FILE", help="another kernel image")
    p.add_argument("--initrd", metavar="FILE", help="another initial root")
    p.add_argument("--log", metavar="FILE", help="kernel messages go to FILE, not stderr")
    p.add_argument("--ktest", nargs="?", const="all", metavar="PATTERN",
                   help="run the in-kernel unit tests; prints KTAP")
    p.add_argument("--write-iso", metavar="FILE", help="write a bootable ISO instead of booting")
    p.add_argument("--out", metavar="DIR", help="build output (default $O or build/ARCH)")
    p.add_argument("--list-boards", action="store_true")
    p.add_argument("--json", action="store_true", help="with --list-boards: as JSON")
    p.add_argument("--fetch-linux", action="store_true", help="fetch the newest cloud kernel and stop")
    p.add_argument("--verbose", action="store_true", help="print QEMU's command line to stderr")
    return p


def parse(argv):
    """Options and the guest command (a list, or None)."""
    command = None
    if "--" in argv:
        cut = argv.index("--")
        argv, command = argv[:cut], argv[cut + 1:]
        if not command:
            raise VmError("no command after --")
    args = _parser().parse_args(argv)
    if command and args.ktest:
        raise VmError("--ktest takes no command")
    for name in ("smp", "mem", "timeout"):
        value = getattr(args, name)
        if value is not None and value <= 0:
            raise VmError(f"--{name} must be positive")
    return args, command


def list_boards(as_json):
    found = boards.all_boards()
    if as_json:
        defaults = set(boards.DEFAULT_BOARD.items())
        print(json.dumps([{**asdict(b), "default": (b.arch, b.name) in defaults} for b in found],
                         indent=1))
    else:
        for b in found:
            mark = "*" if boards.DEFAULT_BOARD[b.arch] == b.name else " "
            print(f"{b.arch:7} {mark} {b.name:18} {b.summary}")


def _check_drivers(args, board, disks, out):
    """Refuses what this guest cannot do yet, before anything is started."""
    if args.root == "debian":
        if args.initrd:
            raise VmError("--root debian: --initrd names another root")
    elif args.root != "initramfs":
        raise VmError(f"--root {args.root}: booting from a disk comes with a later issue")
    if args.share:
        raise VmError("--share: the 9p file system comes with a later issue")
    devices.check_net(args.net, board)
    if args.linux:
        return
    for disk in disks:
        devices.require_driver(f"--disk if={disk.kind}", devices.DISK_DRIVERS[disk.kind][0], out)
    if args.net != "none":
        devices.require_driver(f"--net {args.net}", devices.NET_DRIVERS[args.net][0], out)


def _kernel(args, board, out):
    if args.kernel:
        path = Path(args.kernel)
    elif args.linux:
        path = debian.kernel_image(board.arch)
    else:
        path = out / board.kernel
    if not path.is_file():
        hint = "" if args.kernel else f"; build it with 'make ARCH={board.arch}'"
        raise VmError(f"no kernel at {path}{hint}")
    return path


def _disk_image(args, board, out, command):
    """The image to boot as it is; None: one is made that holds kernel and initrd."""
    if board.boot != "disk":
        if args.image:
            raise VmError(f"--image: board {board.name} does not boot from a disk")
        return None
    if args.image and command:
        raise VmError("--image boots what is on the disk: a command cannot be put there")
    path = Path(args.image) if args.image else out / "aegis.img"
    if args.image or (not command and path.is_file()):
        if not path.is_file():
            raise VmError(f"no image at {path}; make one with 'make disk'")
        return path
    return None


def _put_files(specs):
    pairs = []
    for spec in specs:
        source, _, target = spec.partition(":")
        pairs.append((source, target or "bin/" + os.path.basename(source)))
    return pairs


def _initrd(args, board, out, command, disks):
    environ = dict(GUEST_ENV)
    for item in args.env:
        name, equals, value = item.partition("=")
        if not name or not equals:
            raise VmError(f"--env: '{item}' is not NAME=VALUE")
        environ[name] = value
    files = _put_files(args.put)
    modules = []
    if args.linux and command:
        modules = debian.modules(board.arch, devices.linux_modules(disks, args.net))
    image = debian.root(board.arch) if args.root == "debian" else args.initrd
    base = initrd.base_image(board.arch, out, image, args.linux)
    if not (command or files):
        return base
    helper = agent.agent_binary(board.arch, out) if command else None
    return base + initrd.overlay(base, helper, command, environ, args.cwd, modules, files)


def _append(args, command):
    words = []
    if args.linux and (command or args.ktest):
        # printk_time and the ring's content at a panic: what --log would have shown
        words += ["panic_print=32"] + ([] if args.log else ["quiet"])
    if command:
        words += ["vm.agent"] if args.init else [f"rdinit={initrd.AGENT}", f"init={initrd.AGENT}"]
    if args.ktest:
        words.append(f"ktest={args.ktest}")
    return words + shlex.split(args.append)


def _memory(args, board):
    """Without --mem: the board's, or what a root in memory needs."""
    return max(board.defaults["memory_mib"], DEBIAN_MIB if args.root == "debian" else 0)


def build_machine(args, command):
    """Checks everything that was asked for and gathers it into a Machine."""
    board = boards.get_board(boards.get_arch(args.arch), args.board)
    out = output_dir(board.arch, args.out)
    disks = [devices.parse_disk(text, board) for text in args.disk]
    _check_drivers(args, board, disks, out)
    smp = args.smp or board.defaults["smp"]
    if smp > board.limits["max_smp"]:
        raise VmError(f"--smp {smp}: board {board.name} has at most {board.limits['max_smp']} CPUs")
    if args.ktest and args.linux:
        raise VmError("--ktest runs Aegis's own unit tests, not Linux")
    return qemu.Machine(
        board=board, kernel=_kernel(args, board, out),
        initrd=_initrd(args, board, out, command, disks), append=_append(args, command),
        system=qemu.LINUX if args.linux else qemu.AEGIS, smp=smp,
        memory_mib=args.mem or _memory(args, board), icount=args.icount,
        disk_image=_disk_image(args, board, out, command), disks=disks, net=args.net,
        result_channel=not args.linux,
        extra=[word for spec in args.device for word in ("-device", spec)])


def _converse(args, command, process, log):
    if args.ktest:
        return ktest.run(process, log, args.timeout or 300)
    if command:
        boot = None if args.debug else process.machine.board.boot_seconds * BOOT_TIMEOUT_FACTOR
        return session.Session(process, log, args.timeout, boot).run()
    status = console.Console(process, log, args.timeout).run()
    if status:
        raise VmError(f"QEMU ended with status {status}: {process.errors()}", log_tail=log.tail())
    return 0


def _boot(args, command, machine, scratch):
    if scratch:
        machine.gdb_socket = f"{scratch}/gdb"
        print(f"scripts/vm: waiting for gdb: gdb-multiarch -ex 'target remote {machine.gdb_socket}'",
              file=sys.stderr)
    try:
        log = KernelLog(args.log)
    except OSError as err:
        raise VmError(f"--log {args.log}: {err.strerror}") from err
    with qemu.Process(machine) as process:
        if args.verbose:
            print(shlex.join(process.command), file=sys.stderr)
        return _converse(args, command, process, log)


def run(argv):
    args, command = parse(argv)
    if args.list_boards:
        list_boards(args.json)
        return 0
    if args.fetch_linux:
        arch = boards.get_arch(args.arch)
        debian.refresh(arch)
        print(debian.kernel_image(arch))
        return 0
    machine = build_machine(args, command)
    if args.write_iso:
        Path(args.write_iso).write_bytes(
            iso.write(machine.kernel, machine.initrd, qemu.command_line(machine), machine.system))
        return 0
    if not args.debug:
        return _boot(args, command, machine, None)
    with tempfile.TemporaryDirectory(prefix="aegis-vm-") as scratch:
        return _boot(args, command, machine, scratch)


def _on_signal(number, _frame):
    raise SystemExit(128 + number)


def main(argv):
    """Runs scripts/vm; returns its exit status."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _on_signal)
    try:
        return run(argv)
    except VmError as err:
        for line in err.log_tail:
            print("  | " + line, file=sys.stderr)
        print(f"scripts/vm: {err}", file=sys.stderr)
        return err.status
    except BrokenPipeError:
        return 128 + signal.SIGPIPE
