# SPDX-License-Identifier: MIT
"""Bad use of scripts/vm: one clear line, exit status 2, and nothing started."""

import pytest

BAD = [
    (["--arch", "sparc"], "unknown architecture 'sparc'; known: x86_64, arm64"),
    (["--board", "toaster"], "unknown board 'toaster' for x86_64; known: q35"),
    (["--arch", "arm64", "--board", "q35"], "unknown board 'q35' for arm64"),
    (["--no-such-option"], "unrecognized arguments: --no-such-option"),
    (["--smp", "many"], "invalid int value"),
    (["--smp", "0"], "--smp must be positive"),
    (["--mem", "-5"], "--mem must be positive"),
    (["--timeout", "0"], "--timeout must be positive"),
    (["--smp", "9", "--arch", "arm64", "--board", "virt-gicv2", "--linux"], "at most 8 CPUs"),
    (["--smp", "2", "--icount", "--linux"], "--icount needs --smp 1"),
    (["--disk", "/nonexistent"], "/nonexistent: no such file"),
    (["--disk", "/dev/null,if=floppy"], "'if=floppy' is none of"),
    (["--disk", "/dev/null,bs=7"], "'bs=7' is none of"),
    (["--board", "microvm", "--disk", "/dev/null,if=nvme"], "has no nvme"),
    (["--net", "token-ring"], "'token-ring' is none of none, user"),
    (["--root", "disk.img"], "later issue"),
    (["--share", "."], "later issue"),
    (["--ktest", "--linux"], "not Linux"),
    (["--kernel", "/nonexistent"], "no kernel at /nonexistent"),
    (["--linux", "--initrd", "/nonexistent"], "/nonexistent: No such file"),
    (["--linux", "--env", "A"], "'A' is not NAME=VALUE"),
    (["--linux", "--put", "/nonexistent"], "--put /nonexistent"),
]


@pytest.mark.parametrize("words, complaint", BAD, ids=lambda value: " ".join(value)
                         if isinstance(value, list) else "")
def test_bad_use(vm, words, complaint):
    done = vm(*words, "--", "true", log=False) if "--ktest" not in words else vm(*words, log=False)
    lines = done.stderr.decode().splitlines()
    assert done.returncode == 2
    assert done.stdout == b""
    assert len(lines) == 1 and lines[0].startswith("scripts/vm: ")
    assert complaint in lines[0]


def test_no_command(vm):
    done = vm("--linux", "--", log=False)
    assert done.returncode == 2 and b"no command after --" in done.stderr


@pytest.mark.parametrize("option", [["--disk", "/dev/null"], ["--net", "user"]])
def test_driver_of_a_later_issue(vm, tmp_path, option):
    done = vm("--out", str(tmp_path), *option, "--", "true", log=False)
    assert done.returncode == 2
    assert b"comes with a later issue" in done.stderr


def test_kernel_not_built(vm, tmp_path):
    done = vm("--out", str(tmp_path), "--", "true", log=False)
    assert done.returncode == 2 and b"build it with 'make ARCH=x86_64'" in done.stderr


def test_help(vm):
    done = vm("--help", log=False)
    assert done.returncode == 0 and b"--icount" in done.stdout
