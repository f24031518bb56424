# SPDX-License-Identifier: MIT
"""scripts/vm --ktest and the result channels, with stub kernels in place of Aegis."""

import subprocess

import pytest
from conftest import TREE

GCC = {"x86_64": "x86_64-linux-gnu-gcc", "arm64": "aarch64-linux-gnu-gcc"}
VERDICTS = {"x86_64": {"pass": 0x10, "fail": 0x11, "panic": 3}, "arm64": {"pass": 0, "fail": 1, "panic": 3}}
GOOD = b"booting\nKTAP version 1\n1..2\nok 1 list\n[ 0.1] noise\nok 2 rbtree\n"
SEEN = b"KTAP version 1\n1..2\nok 1 list\nok 2 rbtree\n"


@pytest.fixture(params=["x86_64", "arm64"])
def ktest(request, vm, tmp_path):
    """Runs scripts/vm --ktest on a kernel that prints a text and ends with a verdict."""
    arch = request.param

    def run(text, verdict, *words):
        (tmp_path / "text.bin").write_bytes(text + b"\0")
        (tmp_path / "initrd").write_bytes(b"")
        kernel = tmp_path / "kernel"
        command = [GCC[arch], "-nostdlib", "-static", "-Wl,--build-id=none", "-Wl,-e,start", "-Wa,-I," + str(tmp_path),
                   f"-DVERDICT={VERDICTS[arch][verdict]}", "-o", f"{kernel}.elf",
                   TREE / f"tests/tools/stub_{arch}.S"]
        if arch == "x86_64":
            command[1:1] = ["-m32", "-Wl,-Ttext=0x100000"]
        subprocess.run(command, check=True)
        if arch == "arm64":
            subprocess.run(["aarch64-linux-gnu-objcopy", "-O", "binary", f"{kernel}.elf", kernel], check=True)
        else:
            kernel.with_suffix(".elf").rename(kernel)
        return vm("--arch", arch, "--kernel", str(kernel), "--initrd", str(tmp_path / "initrd"),
                  *(words or ["--ktest", "--timeout", "30"]))

    return run


def test_pass(ktest, tmp_path):
    done = ktest(GOOD, "pass")
    assert (done.returncode, done.stdout) == (0, SEEN)
    assert b"noise" in (tmp_path / "kernel.log").read_bytes()


def test_fail(ktest):
    done = ktest(GOOD.replace(b"ok 2", b"not ok 2"), "fail")
    assert done.returncode == 1 and b"not ok 2 rbtree" in done.stdout


def test_panic(ktest):
    done = ktest(b"KTAP version 1\n1..2\nok 1 list\npanic: out of luck\n", "panic")
    assert done.returncode == 2
    assert b"the guest panicked" in done.stderr and b"out of luck" in done.stderr


def test_a_pass_must_have_run_its_plan(ktest):
    done = ktest(b"KTAP version 1\n1..2\nok 1 list\n", "pass")
    assert done.returncode == 2 and b"not every test" in done.stderr


def test_command_on_a_kernel_without_agent(ktest):
    done = ktest(b"hello\n", "pass", "--timeout", "30", "--", "true")
    assert done.returncode == 2
    assert b"  | hello" in done.stderr and b"the guest never came up" in done.stderr
