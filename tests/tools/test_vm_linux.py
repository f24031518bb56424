# SPDX-License-Identifier: MIT
"""scripts/vm on Debian's kernels: streams, exit status, time-out, clean-up."""

import os
import random
import signal
import subprocess
import time

import pytest
from conftest import TREE


def children_of(pid):
    """Ids of a process's children, from /proc."""
    path = f"/proc/{pid}/task/{pid}/children"
    return [int(word) for word in open(path).read().split()] if os.path.exists(path) else []


def test_streams_and_status(linux):
    done = linux("sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.stdout, done.stderr, done.returncode) == (b"out\n", b"err\n", 7)


def test_machine_is_the_right_one(linux):
    names = {"x86_64": b"x86_64\n", "arm64": b"aarch64\n"}
    assert linux("uname", "-m").stdout == names[linux.arch]


def test_killed_by_signal(linux):
    assert linux("sh", "-c", "kill -9 $$").returncode == 128 + 9


def test_no_such_command(linux):
    done = linux("no-such-command")
    assert done.returncode == 127
    assert done.stderr == b"vmagent: no-such-command: No such file or directory\n"


def test_binary_input_and_output(linux):
    data = bytes(range(256)) * 256 + random.Random(2).randbytes(100_001)
    done = linux("cat", stdin=data)
    assert done.returncode == 0 and done.stdout == data


def test_words_pass_unaltered(linux):
    words = ["", "a b", "x'y\"z", "$HOME", "line\nbreak", "\u00e9", "--"]
    done = linux("printf", "<%s>", *words)
    assert done.stdout.decode() == "".join(f"<{word}>" for word in words)


def test_environment_and_folder(linux):
    done = linux("sh", "-c", "echo $GREETING; pwd", options=["--env", "GREETING=hi there", "--cwd", "/tmp"])
    assert done.stdout == b"hi there\n/tmp\n"


def test_put_file(linux, tmp_path):
    script = tmp_path / "greet"
    script.write_text("#!/bin/sh\necho hello $1\n")
    script.chmod(0o755)
    assert linux("greet", "you", options=["--put", str(script)]).stdout == b"hello you\n"
    done = linux("cat", "/data/file", options=["--put", f"{script}:/data/file"])
    assert done.stdout == script.read_bytes()


def test_command_that_ignores_its_input(linux):
    assert linux("true", stdin=bytes(100_000)).returncode == 0
    assert linux("head", "-c", "3", stdin=b"abc" + bytes(200_000)).stdout == b"abc"


def test_background_process_does_not_hold_the_end(linux):
    started = time.monotonic()
    done = linux("sh", "-c", "sleep 1000 & echo started")
    assert done.returncode == 0 and done.stdout == b"started\n"
    assert time.monotonic() - started < 150


def test_cpus_and_memory(linux):
    done = linux("sh", "-c", "nproc; grep MemTotal /proc/meminfo", options=["--smp", "2", "--mem", "256"])
    cpus, memory = done.stdout.split(b"\n")[:2]
    assert cpus == b"2" and 128 << 10 < int(memory.split()[1]) < 256 << 10


def test_time_out(vm):
    started = time.monotonic()
    done = vm("--linux", "--timeout", "15", "--", "sh", "-c", "echo before; sleep 1000")
    assert done.returncode == 124 and done.stdout == b"before\n"
    assert done.stderr.startswith(b"scripts/vm: timed out after 15 s")
    assert time.monotonic() - started < 60


def test_panic_is_named(linux):
    done = linux("sh", "-c", "echo c > /proc/sysrq-trigger; sleep 100")
    assert done.returncode == 2
    assert b"scripts/vm: the guest panicked" in done.stderr
    assert b"sysrq triggered crash" in done.stderr


def test_power_off_before_the_end(linux):
    done = linux("sh", "-c", "poweroff -f; sleep 100")
    assert done.returncode == 2 and b"stopped before its command ended" in done.stderr


def test_guest_never_comes_up(linux):
    done = linux("true", options=["--append", "rdinit=/nonexistent init=/nonexistent"])
    assert done.returncode == 2 and b"the guest panicked" in done.stderr


def test_kernel_messages_reach_the_log(linux, tmp_path):
    linux("sh", "-c", "echo '<4>a word from the kernel' > /dev/kmsg")
    log = (tmp_path / "kernel.log").read_bytes()
    assert b"Linux version" in log and b"a word from the kernel" in log


def test_kernel_warnings_reach_stderr(vm):
    done = vm("--linux", "--", "sh", "-c", "echo '<4>a word from the kernel' > /dev/kmsg; echo ok", log=False)
    assert done.stdout == b"ok\n" and b"a word from the kernel\n" in done.stderr


def test_closed_output_ends_the_guest():
    """As `scripts/vm -- yes | head -1` does."""
    run = subprocess.Popen([TREE / "scripts/vm", "--linux", "--", "yes"], stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    assert run.stdout.readline() == b"y\n"
    run.stdout.close()
    assert run.wait(60) == 128 + signal.SIGPIPE


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_qemu_dies_with_its_parent(number):
    run = subprocess.Popen([TREE / "scripts/vm", "--linux", "--", "sh", "-c", "echo up; sleep 1000"],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    assert run.stdout.readline() == b"up\n"
    qemu = children_of(run.pid)
    assert len(qemu) == 1
    run.send_signal(number)
    assert run.wait(30) == (128 + number if number == signal.SIGTERM else -number)
    run.stdout.close()
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{qemu[0]}") and time.monotonic() < deadline:
        if b"Z" in open(f"/proc/{qemu[0]}/stat", "rb").read().split()[2:3]:
            break           # dead; its new parent has not collected it yet
        time.sleep(0.05)
    else:
        assert not os.path.exists(f"/proc/{qemu[0]}")


def test_piped_console(vm):
    done = vm("--linux", "--timeout", "100", stdin=b"echo two-$((1+1))\nexit\n")
    assert done.returncode == 0 and b"two-2" in done.stdout


def test_icount_is_deterministic(vm):
    runs = [vm("--linux", "--icount", "--", "cat", "/proc/cmdline") for _ in range(2)]
    assert runs[0].returncode == 0 and runs[0].stdout == runs[1].stdout
    assert b"mitigations=off" in runs[0].stdout


# Not microvm: on a loaded host Linux fails to calibrate the TSC there (it has no HPET or
# PM timer to fall back on) and never comes up.
@pytest.mark.parametrize("arch, board", [
    ("x86_64", "pc"), ("x86_64", "q35-bios"),
    ("arm64", "virt-gicv2"), ("arm64", "virt-gicv3-el2"), ("arm64", "qemu-arm64-uboot"),
])
def test_other_boards(vm, arch, board):
    done = vm("--arch", arch, "--board", board, "--linux", "--timeout", "200", "--", "echo", "up")
    assert (done.returncode, done.stdout) == (0, b"up\n")
