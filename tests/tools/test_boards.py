# SPDX-License-Identifier: MIT
"""Board data: every board.toml is valid, complete, and its QEMU knows the machine."""

import json
import shutil
import subprocess

import pytest
from aegisvm import boards
from aegisvm.errors import VmError

ALL = boards.all_boards()


@pytest.mark.parametrize("board", ALL, ids=lambda b: f"{b.arch}-{b.name}")
def test_board_is_complete(board, tree):
    folder = tree / "arch" / board.arch / "boards" / board.name
    assert (folder / "defconfig").is_file()
    assert board.boot in boards.BOOT_CHAINS
    assert board.limits["max_smp"] >= 1
    assert board.defaults["memory_mib"] >= board.limits["min_memory_mib"]


@pytest.mark.parametrize("board", ALL, ids=lambda b: f"{b.arch}-{b.name}")
def test_qemu_knows_the_machine(board):
    if not shutil.which(board.qemu["binary"]):
        pytest.skip("QEMU is not installed")
    machines = subprocess.run([board.qemu["binary"], "-M", "help"], capture_output=True, text=True)
    names = [line.split()[0] for line in machines.stdout.splitlines()[1:]]
    assert board.qemu["machine"].split(",")[0] in names


def test_defaults_exist():
    for arch in boards.ARCHES:
        assert boards.known_boards(arch)[0] == boards.DEFAULT_BOARD[arch]
        assert boards.BENCH_BOARD[arch] in boards.known_boards(arch)


def test_list_boards_as_json(vm):
    found = json.loads(vm("--list-boards", "--json", log=False).stdout)
    assert [(b["arch"], b["name"]) for b in found] == [(b.arch, b.name) for b in ALL]
    assert sum(b["default"] for b in found) == len(boards.ARCHES)


@pytest.mark.parametrize("text, complaint", [
    ("", "section"),
    ("summary = 1\n", "section"),
    ("nonsense", "board.toml"),
])
def test_bad_board_is_refused(tmp_path, text, complaint):
    path = tmp_path / "broken" / "board.toml"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(VmError, match=complaint):
        boards._load("x86_64", path)


def test_wrong_value_is_refused(tree, tmp_path):
    good = (tree / "arch/x86_64/boards/q35/board.toml").read_text()
    path = tmp_path / "board.toml"
    path.write_text(good.replace('boot = "pvh"', 'boot = "floppy"'))
    with pytest.raises(VmError, match="floppy"):
        boards._load("x86_64", path)
    path.write_text(good.replace("smp = 1", 'smp = "1"'))
    with pytest.raises(VmError, match="smp must be"):
        boards._load("x86_64", path)
