#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Builds kernel/trace/decode.c for the host and compares its lines with what strace would say."""

import pathlib
import platform
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
ARCH = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]

EXPECTED = r'''
openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC, 00) = 3
openat(5, "a\"b\n", O_WRONLY|O_CREAT|O_TRUNC, 0644) = -1 ENOENT
openat(AT_FDCWD, 0x10, O_RDWR|0x40000000, 00) = -1 EFAULT
read(0, "hello", 4096) = 5
read(0, ADDRESS, 4096) = -1 EAGAIN
write(1, "a\0b\1\n", 5) = 5
write(1, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"..., 99) = 99
newfstatat(AT_FDCWD, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"..., {st_dev=0:0, st_ino=7, st_mode=0100644, st_nlink=1, st_uid=0, st_gid=0, st_size=11}, AT_SYMLINK_NOFOLLOW) = 0
writev(1, [{iov_base=0x1000, iov_len=10}, {iov_base=0x2000, iov_len=20}], 2) = 30
lseek(3, -4, SEEK_END) = 4
ioctl(0, TCGETS, 4096) = -1 ENOTTY
umask(077) = 022
pipe2([3, 4], O_RDONLY|O_CLOEXEC) = 0
execve("/bin/sh", ["sh", "-c", "exit 7"], NULL) = 0
clone(SIGCHLD|CLONE_VM|CLONE_VFORK, 0x7000, NULL, NULL, 0) = 42
wait4(-1, [exited 7], WNOHANG, NULL) = 42
rt_sigaction(SIGINT, {sa_handler=0x401000, sa_flags=SA_RESTART, sa_mask.v=[SIGINT SIGTERM]}, NULL, 8) = 0
kill(12, SIGRT_2) = 0
wait4(-1, NULL, 0, NULL) = ? ERESTARTSYS
mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000
mprotect(0x1000, 4096, 0) = 0
clock_gettime(CLOCK_MONOTONIC, {tv_sec=1, tv_nsec=-5}) = 0
ppoll([{fd=0, events=POLLIN, revents=0}, {fd=4, events=POLLOUT, revents=POLLERR|POLLHUP}], 2, NULL, NULL, 8) = 1
futex(0x1000, FUTEX_WAKE|FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0) = 0
connect(3, {AF_INET 127.0.0.1:80}, 16) = 0
bind(3, {AF_UNIX "/run/x"}, 110) = 0
accept(3, {AF_INET 127.0.0.1:80}, [16]) = 4
socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0) = 3
syscall_499(0x1, 0x2, 0x3) = -1 ENOSYS
chdir("edge") = 0
chdir(ADDRESS) = -1 EFAULT
bounded
'''.strip().split("\n")


def build(tmp_path):
    subprocess.run([TOP / "scripts/gen-syscalls", "--arch", ARCH, "--out", tmp_path], check=True)
    program = tmp_path / "systrace"
    base = ["gcc", "-std=gnu17", "-g", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter",
            "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-ffreestanding", "-DLIB_HOST",
            "-DCONFIG_SYSTRACE=1", "-I", TOP / "include", "-I", TOP / f"arch/{ARCH}/include",
            "-I", tmp_path / "include", "-include", TOP / "include/lib/host_rename.h"]
    sources = [TOP / "kernel/trace/decode.c", tmp_path / "generated/syscall_decode.c",
               TOP / "lib/printf.c", TOP / "lib/string.c", TOP / "tests/host/systrace_host.c"]
    subprocess.run([*base, "-o", program, *sources], check=True)
    return program


def test_lines(tmp_path):
    done = subprocess.run([build(tmp_path)], text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = done.stdout.split("\n")[:-1]
    assert len(lines) == len(EXPECTED)
    for line, expected in zip(lines, EXPECTED):
        head, gap, tail = expected.partition("ADDRESS")
        if gap:
            assert line.startswith(head + "0x") and line.endswith(tail)
        else:
            assert line == expected
