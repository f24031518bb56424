# SPDX-License-Identifier: MIT
"""scripts/bench: reading figures, comparing, gates, and a quick run on Linux."""

import json
import subprocess

import pytest
from aegisvm import bench, figures
from aegisvm.errors import VmError
from conftest import TREE


def test_rows_are_read():
    assert figures.parse_row("sys_null\t100000\t314.54\t315.00") == ("sys_null", 314.54, None)
    assert figures.parse_row("pread_4k\t5000\t1717.0\t1720.0\tMB/s=2385")[1] == 1717.0
    assert figures.parse_row("poll_100\tFAIL\tpipe: Too many open files") == (
        "poll_100", None, "FAIL pipe: Too many open files")
    assert figures.parse_row("# osbench: done") is None


def test_comparison():
    base = {"cpu_loop": (5.0, None), "a": (100.0, None), "b": (100.0, None), "c": (10.0, None)}
    new = {"cpu_loop": (5.0, None), "a": (25.0, None), "b": (100.0, None), "c": (None, "SKIP no")}
    table = figures.compare(base, new)
    assert list(table) == ["a", "b", "c"]
    assert figures.geomean(table) == pytest.approx(0.5)
    assert figures.worst_row(table) == 1.0
    assert table["c"] == {"linux": 10.0, "aegis": None, "ratio": None, "reason": "SKIP no"}
    assert not figures.machine_differences(base, new)
    assert figures.machine_differences(base, {"cpu_loop": (6.0, None)}) == ["cpu_loop"]


def test_gates():
    table = {"sys_null": {"linux": 100, "aegis": 50, "ratio": 0.5}}
    assert figures.gate("rows", "x86_64", table, {}) == ["sys_null: 0.500, goal 0.25"]
    failed = {"stat": {"linux": 100, "aegis": None, "ratio": None, "reason": "FAIL hung"}}
    assert figures.gate("rows", "x86_64", failed, {}) == ["stat: FAIL hung, goal 0.40"]
    assert figures.rows_missing({**table, **failed}) == 1
    good = {"geomean": 0.5, "worst_row": 1.4, "boot_instructions": 5e7, "min_memory_mib": 16,
            "image_bytes": 10}
    assert figures.gate("first", "x86_64", table, good) == []
    assert figures.gate("first", "arm64", table, good) == ["boot_instructions: 5e+07 above 3e+07"]
    assert "not measured" in figures.gate("first", "arm64", table, {})[0]
    with pytest.raises(VmError):
        figures.gate("nonsense", "arm64", table, {})


def test_every_row_has_a_goal():
    rows = [name for name in bench.row_names() if not figures.is_machine_row(name)]
    assert sorted(rows) == sorted(figures.goals())


def test_compare_tool(tmp_path):
    for name, value in (("a", 100), ("b", 50)):
        (tmp_path / name).write_text(f"cpu_loop\t1\t5.0\t5.0\nstat\t10\t{value}.0\t{value}.0\n")
    done = subprocess.run([TREE / "tests/bench/compare.py", tmp_path / "a", tmp_path / "b"],
                          capture_output=True, text=True)
    assert done.returncode == 0 and "geometric mean of 1 ratios: 0.500" in done.stdout


@pytest.mark.parametrize("arch", ["x86_64", "arm64"])
def test_quick_run_on_linux(tmp_path, arch):
    path = tmp_path / "result.json"
    done = subprocess.run([TREE / "scripts/bench", "--arch", arch, "--linux-only", "--quick", "--rows",
                           "sys_null", "--json", path], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    row = json.loads(path.read_text())["rows"]["sys_null"]
    assert 250 < row["linux"] < 400
