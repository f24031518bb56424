#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""scripts/gen-syscalls: what it refuses, what it makes, and that the dispatcher runs on it."""

import json
import pathlib
import platform
import re
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
TABLES = TOP / "kernel/syscall"
MOCK = TOP / "tests/host/mock"
CC = {"x86_64": "gcc", "arm64": "aarch64-linux-gnu-gcc"}
CLANG = {"x86_64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
HOST = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]
WARN = ["-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wvla",
        "-Wframe-larger-than=1024", "-Wno-unused-parameter"]


def gen(*args):
    return subprocess.run([TOP / "scripts/gen-syscalls", *args], text=True, capture_output=True,
                          check=False)


def tables(folder, row="", drop_todo=False):
    folder.mkdir(exist_ok=True)
    text = (TABLES / "syscalls.tbl").read_text()
    if drop_todo:
        text = re.sub(r"\| todo", "|", text)
    (folder / "syscalls.tbl").write_text(text + row + "\n")
    shutil.copy(TABLES / "sets.tbl", folder)
    return folder


def flags(arch, out):
    return ["-std=gnu17", "-O1", "-ffreestanding", *WARN, "-DCONFIG_SYSTRACE=1", "-I", MOCK, "-I",
            TOP / "include", "-I", TOP / f"arch/{arch}/include", "-I", out / "include"]


BAD_ROWS = [
    ("odd 900 900 int fd:fd", "is not a capability"),
    ("odd 900 900 - int", None),
    ("odd 900 900 -", "a row is"),
    ("odd 900 900 FS:fly int", "is not a capability"),
    ("odd 900 900 FS int", "is not a capability"),
    ("odd 900 900 ~FS:read,NIX:read int", "is not a capability"),
    ("odd x 900 - int", "is not a system-call number"),
    ("odd - - - int", "no number on any"),
    ("read 900 900 - int", "name read is taken"),
    ("odd 0 900 - int", "x86_64 0 is taken"),
    ("odd 900 900 - word", "unknown result"),
    ("odd 900 900 - int fd", "is not NAME:KIND"),
    ("odd 900 900 - int a:thing", "unknown kind"),
    ("odd 900 900 - int a:in:thing", "no struct 'thing'"),
    ("odd 900 900 - int a:flags(thing)", "no set 'thing'"),
    ("odd 900 900 - int a:enum(open)", "no enum 'open'"),
    ("odd 900 900 - int a:in[b]", "length of no argument"),
    ("odd 900 900 - int a:int a:int", "have one name"),
    ("odd 900 900 - int a:int b:int c:int d:int e:int f:int g:int", "more than 6"),
    ("odd 900 900 - int a:int | slow", "unknown option"),
    ("odd 900 900 - int a:int b:int | order(arm64: a)", "must name each argument once"),
]


@pytest.mark.parametrize("row,message", BAD_ROWS)
def test_refuses(tmp_path, row, message):
    done = gen("--arch", "x86_64", "--out", tmp_path / "out", "--tables", tables(tmp_path / "t", row))
    if message is None:
        assert done.returncode == 0, done.stderr
        return
    assert done.returncode == 1
    assert message in done.stderr and re.match(r"syscalls\.tbl:\d+: ", done.stderr)
    assert "Traceback" not in done.stderr


def test_reference_page_is_fresh():
    done = gen("--check")
    assert done.returncode == 0, done.stderr


def test_every_row_says_its_capability():
    for line in (TABLES / "syscalls.tbl").read_text().split("\n"):
        if line and not line.startswith("#"):
            assert re.match(r"\w+ +[\d-]+ +[\d-]+ +(-|~?[A-Z]+:[a-z-]+([+,][A-Z]+:[a-z-]+)*) ", line), line


@pytest.mark.parametrize("arch", CC)
def test_numbers_are_linux(tmp_path, arch):
    if not shutil.which(CC[arch]):
        pytest.skip(f"{CC[arch]} is not installed")
    assert gen("--arch", arch, "--out", tmp_path).returncode == 0
    own = dict(re.findall(r"#define __NR_(\w+) (\d+)",
                          (tmp_path / "include/generated/syscall_nr.h").read_text()))
    lines = [f'_Static_assert(__NR_{n} == {v}, "{n}");' for n, v in own.items()]
    done = subprocess.run([CC[arch], "-fsyntax-only", "-x", "c", "-"], text=True, capture_output=True,
                          input="#include <asm/unistd.h>\n" + "\n".join(lines), check=False)
    assert done.returncode == 0, done.stderr
    # And nothing that this architecture has is marked as missing there.
    names = json.loads((tmp_path / "generated/syscalls.json").read_text())["syscalls"]
    absent = [n["name"] for n in names if n["numbers"][arch] is None]
    text = "#include <asm/unistd.h>\n" + "\n".join(f"#ifdef __NR_{n}\n#error {n}\n#endif" for n in absent)
    done = subprocess.run([CC[arch], "-fsyntax-only", "-x", "c", "-"], text=True, capture_output=True,
                          input=text, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arch", CC)
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("all_rows", [False, True])
def test_output_compiles(tmp_path, arch, compiler, all_rows):
    cc = [CC[arch]] if compiler == "gcc" else ["clang", f"--target={CLANG[arch]}"]
    if not shutil.which(cc[0]):
        pytest.skip(f"{cc[0]} is not installed")
    folder = tables(tmp_path / "t", drop_todo=all_rows)
    assert gen("--arch", arch, "--out", tmp_path, "--tables", folder).returncode == 0
    for name in ["syscall_table.c", "syscall_decode.c"]:
        done = subprocess.run([*cc, *flags(arch, tmp_path), "-c", "-o", tmp_path / "x.o",
                               tmp_path / "generated" / name], text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr[:2000]


def recorders(out):
    """A definition for each prototype that passes its arguments to record()."""
    text = (out / "include/generated/syscall_protos.h").read_text()
    lines = ["#include <arch/regs.h>", "#include <generated/syscall_protos.h>",
             "void record(const char *name, unsigned int count, const uint64_t *values);"]
    for result, name, params in re.findall(r"^(long|__noreturn void) sys_(\w+)\((.*)\);", text, flags=re.M):
        values = []
        for param in [] if params == "void" else params.split(", "):
            var = param.split()[-1].lstrip("*")
            value = f"{var}.v" if param.startswith("uaddr_t") else f"(uint64_t){var}"
            values.append("0x5e65" if param.startswith("struct regs") else value)
        body = f'record("{name}", {len(values)}, (const uint64_t[]){{ {", ".join(values + ["0"])} }});'
        end = "return 100;" if result == "long" else "__builtin_trap();"
        lines.append(f"{result} sys_{name}({params}) {{ {body} {end} }}")
    return "\n".join(lines)


ALL = "ffffffffffffffff"
RUNS = {
    "x86_64": f"""read {ALL} 2 3\n= 100\nclone 5e65 {ALL} 2 3 4 5\n= 100""",
    "arm64": f"""read {ALL} 2 3\n= 100\nclone 5e65 {ALL} 2 3 5 4\n= 100""",
}
RUN_ON = f"""mmap {ALL} 2 3 4 5 6
= 100
rt_sigreturn 5e65
= 100
= -38
= -38
= -38
= -38
getpid
= 100
cap_check CREATE
= -1
getpid
= 100
cap_check CREATE
renameat2 {ALL} 2 3 4 5
= 100
enter GETPID
getpid
exit GETPID 100
= 100
stop GETPID
stopped -19
= -19
"""


@pytest.mark.parametrize("arch", CC)
def test_dispatch_runs(tmp_path, arch):
    """The other architecture's table runs on this machine too: only its numbers and order matter."""
    folder = tables(tmp_path / "t", drop_todo=True)
    assert gen("--arch", arch, "--out", tmp_path, "--tables", folder).returncode == 0
    (tmp_path / "recorders.c").write_text(recorders(tmp_path))
    program = tmp_path / "dispatch"
    subprocess.run(["gcc", *flags(arch, tmp_path), "-fsanitize=address,undefined", "-o", program,
                    tmp_path / "generated/syscall_table.c", tmp_path / "recorders.c",
                    TOP / "kernel/syscall/syscall.c", TOP / "tests/host/dispatch_host.c"], check=True)
    done = subprocess.run([program], text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    info = json.loads((tmp_path / "generated/syscalls.json").read_text())
    number = {c["name"]: c["numbers"][arch] for c in info["syscalls"]}
    create = 1 << info["classes"].index("FS:create")
    expected = RUNS[arch] + "\n" + RUN_ON.replace("GETPID", str(number["getpid"]))
    assert done.stdout == expected.replace("CREATE", f"{create:x}")


def test_implemented_rows_leave_the_todo_list(tmp_path):
    assert gen("--arch", HOST, "--out", tmp_path).returncode == 0
    info = json.loads((tmp_path / "generated/syscalls.json").read_text())
    source = (tmp_path / "generated/syscall_table.c").read_text()
    for call in info["syscalls"]:
        if call["numbers"][HOST] is not None:
            assert (f"call_{call['name']}," in source) == call["implemented"]


def test_sync_follows_the_handlers(tmp_path):
    """A small tree: one handler appears, one mark is wrong the other way."""
    for part in ["scripts/gen-syscalls", "kernel/syscall/sets.tbl", "include/uapi/errno.h"]:
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOP / part, tmp_path / part)
    shutil.copytree(TOP / "scripts/syscalls", tmp_path / "scripts/syscalls")
    marked = "\n".join(
        re.sub(r"\| *$", "", re.sub(r"\| (todo )?", "| ", line)) if line.startswith("close ") else
        line if "| todo" in line or line.startswith("#") or not line else
        line.replace("| ", "| todo ", 1) if "| " in line else
        line.replace(" ;", " | todo ;", 1) if " ;" in line else line + " | todo"
        for line in (TABLES / "syscalls.tbl").read_text().split("\n"))
    (tmp_path / "kernel/syscall/syscalls.tbl").write_text(marked)
    (tmp_path / "kernel/x.c").write_text("long sys_clone(struct regs *regs)\n{\n}\n")
    tool = tmp_path / "scripts/gen-syscalls"
    before = subprocess.run([tool, "--check"], text=True, capture_output=True, check=False)
    assert before.returncode == 1 and "clone" in before.stderr and "close" in before.stderr
    assert subprocess.run([tool, "--sync"], check=False).returncode == 0
    assert subprocess.run([tool, "--check"], check=False).returncode == 0
    lines = (tmp_path / "kernel/syscall/syscalls.tbl").read_text().split("\n")
    clone = next(line for line in lines if line.startswith("clone "))
    close = next(line for line in lines if line.startswith("close "))
    assert "todo" not in clone and "| regs order(arm64:" in clone and "; the handler asks" in clone
    assert close.endswith("| todo")
    assert len(lines) == len(marked.split("\n"))
