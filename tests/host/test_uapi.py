#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compares <uapi/*.h> with the machine's own Linux headers, for both architectures.

Our constants and layouts are read out of the compiler (through an assembly listing, so nothing
has to run), then written back as _Static_asserts against <linux/...> and libc headers. A name that
no reference header knows must stand in OURS or in KERNEL_ONLY, with the reason for it.
"""

import functools
import pathlib
import re
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
CC = {"x86_64": "gcc", "arm64": "aarch64-linux-gnu-gcc"}
CLANG = {"x86_64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
HEADERS = sorted(p.name for p in (TOP / "include/uapi").glob("*.h"))

# Our header -> reference translation units (each a list of includes) that may know its names.
REFERENCE = {
    "auxv.h": [["linux/auxvec.h", "sys/auxv.h", "elf.h"]],
    "capability.h": [["linux/capability.h"]],
    "dirent.h": [["stddef.h", "dirent.h"]],
    "elf.h": [["elf.h"]],
    "elfcore.h": [["linux/elfcore.h", "linux/elf.h"], ["sys/procfs.h", "elf.h"]],
    "epoll.h": [["sys/epoll.h"], ["linux/eventpoll.h", "fcntl.h"]],
    "errno.h": [["errno.h"]],
    "eventfd.h": [["sys/eventfd.h"]],
    "fcntl.h": [["linux/fcntl.h", "linux/openat2.h", "linux/fs.h", "linux/falloc.h",
                 "linux/close_range.h", "linux/memfd.h"], ["fcntl.h", "unistd.h", "sys/file.h"]],
    "fiemap.h": [["linux/fiemap.h", "linux/fs.h"]],
    "fs.h": [["linux/fs.h", "linux/hdreg.h"]],
    "futex.h": [["linux/futex.h"]],
    "in.h": [["linux/in.h", "linux/in6.h", "linux/tcp.h"], ["netinet/in.h", "netinet/tcp.h"]],
    "inotify.h": [["linux/inotify.h", "linux/fcntl.h"]],
    "ioctl.h": [["linux/ioctl.h", "linux/fs.h", "linux/random.h", "asm/ioctls.h"]],
    "kd.h": [["linux/kd.h"]],
    "landlock.h": [["linux/landlock.h"]],
    "limits.h": [["linux/limits.h"], ["limits.h"], ["linux/binfmts.h"]],
    "loop.h": [["linux/loop.h", "linux/major.h"]],
    "magic.h": [["linux/magic.h", "sys/vfs.h"]],
    "major.h": [["linux/major.h"]],
    "membarrier.h": [["linux/membarrier.h"]],
    "mman.h": [["linux/mman.h"], ["sys/mman.h"]],
    "mount.h": [["linux/mount.h"], ["sys/mount.h"]],
    "personality.h": [["linux/personality.h"]],
    "poll.h": [["asm/poll.h"]],
    "prctl.h": [["linux/prctl.h", "asm/prctl.h"], ["linux/prctl.h"]],
    "ptrace.h": [["linux/ptrace.h"], ["sys/user.h", "sys/ptrace.h"], ["asm/ptrace.h"]],
    "random.h": [["linux/random.h"]],
    "reboot.h": [["linux/reboot.h"]],
    "resource.h": [["linux/resource.h", "linux/ioprio.h"]],
    "rseq.h": [["linux/rseq.h"]],
    "sched.h": [["linux/sched.h", "linux/sched/types.h"], ["sched.h"]],
    "seccomp.h": [["linux/seccomp.h", "linux/filter.h", "linux/audit.h"]],
    "sigframe.h": [["asm/sigcontext.h", "asm/ucontext.h"], ["linux/signal.h", "asm/sigcontext.h",
                   "asm/ucontext.h"], ["asm/signal.h", "asm/ucontext.h"]],
    "signal.h": [["asm/signal.h", "asm/siginfo.h"], ["signal.h"]],
    "signalfd.h": [["linux/signalfd.h", "linux/fcntl.h"]],
    "socket.h": [["sys/socket.h", "linux/sockios.h", "linux/types.h"],
                 ["asm/socket.h", "linux/sockios.h"], ["netinet/in.h"]],
    "stat.h": [["asm/stat.h", "linux/stat.h"], ["sys/stat.h"]],
    "statfs.h": [["asm/statfs.h"], ["sys/statvfs.h"]],
    "sysinfo.h": [["linux/sysinfo.h"]],
    "syslog.h": [["sys/syslog.h"]],
    "termios.h": [["asm/termbits.h", "asm/ioctls.h", "asm/termios.h", "linux/tty.h"]],
    "time.h": [["linux/time.h", "linux/timex.h", "linux/times.h", "linux/utime.h"]],
    "timerfd.h": [["linux/timerfd.h", "linux/fcntl.h"]],
    "tty.h": [["linux/vt.h"]],
    "types.h": [],
    "uio.h": [["linux/uio.h", "linux/fs.h"]],
    "un.h": [["linux/un.h"]],
    "utsname.h": [["linux/utsname.h"]],
    "wait.h": [["linux/wait.h"], ["sys/wait.h"]],
    "watchdog.h": [["linux/watchdog.h"]],
    "xattr.h": [["linux/xattr.h"]],
}

# Where our name for a type or member is not the reference's.
TYPES = {
    "struct elf64_hdr": "Elf64_Ehdr", "struct elf64_phdr": "Elf64_Phdr",
    "struct elf64_shdr": "Elf64_Shdr", "struct elf64_sym": "Elf64_Sym",
    "struct elf64_rela": "Elf64_Rela", "struct elf64_dyn": "Elf64_Dyn",
    "struct elf64_note": "Elf64_Nhdr", "struct auxv_entry": "Elf64_auxv_t",
    "struct cap_user_header": "struct __user_cap_header_struct",
    "struct cap_user_data": "struct __user_cap_data_struct",
    "struct linux_dirent64": "struct dirent64",
    "struct fpx_sw_bytes": "struct _fpx_sw_bytes", "struct fpstate": "struct _fpstate_64",
    "struct xstate_header": "struct _header", "struct kernel_fsid": "__kernel_fsid_t",
    "struct siginfo": "siginfo_t", "struct sigevent": "struct sigevent",
}
MEMBERS = {r: "r" + r for r in "bp bx ax cx dx si di ip sp".split()}
MEMBERS |= {"orig_ax": "orig_rax", "flags": "eflags", "mxcr_mask": "mxcr_mask"}
MEMBER_MAPS = {
    "struct user_regs_struct": MEMBERS,
    "struct elf64_dyn": {"d_val": "d_un"}, "struct auxv_entry": {"a_val": "a_un"},
    "struct fpx_sw_bytes": {"xfeatures": "xfeatures"},
    "struct in6_addr": {"s6_addr": "in6_u"},
}

# The reference gives the flexible last member a size of its own.
OPEN_ENDED = {"struct linux_dirent64"}

# Object-like macros that are not integer constants.
NOT_INTEGER = re.compile(r"^(si_\w+|sigev_\w+|UAPI_\w+|ELFMAG|XATTR_\w+_PREFIX|AT_PLATFORM_STRING"
                         r"|NSIG|NSIG|NSIG_MAX|SS_FLAG_BITS|SS_AUTODISARM|SIG_(DFL|IGN))$")

# Ours: names that the kernel and its tests share, which no Linux header has.
OURS = re.compile(r"^(MAX_RW_COUNT|NSIG_MAX|PERSONALITY_QUERY|UTS_LEN|WAIT_CORE_FLAG|WAIT_CONTINUED"
                  r"|CAP_LAST_CAP|ELF_MACHINE|ELF_R_RELATIVE|EPOLL_EVENT_SIZE|PR_AEGIS_\w+"
                  r"|MEM_MINOR_\w+|TTY_MINOR_\w+|TTYAUX_MINOR_\w+|AMBA_SERIAL_\w+"
                  r"|VIRTIO_CONSOLE_MAJOR|VIRTBLK_MAJOR)$")

# In Linux's kernel or manual but in none of its exported headers.
KERNEL_ONLY = re.compile(r"^(MAX_ERRNO|SIGRTMAX|ERESTART\w*|ENOIOCTLCMD|USER_HZ|NSEC_PER_\w+|USEC_PER_SEC"
                         r"|ST_VALID|ST_NOSYMFOLLOW|SYMLOOP_MAX|UIO_FASTIOV|SYSLOG_ACTION_\w+"
                         r"|MAP_ABOVE4G|ARCH_\w+|TASK_COMM_LEN|MAX_ARG_STRLEN|S_I\w+UGO|SOL_(TCP|UDP)"
                         r"|SIOC(IN|OUT)Q|MFD_(NOEXEC_SEAL|EXEC)|OPEN_HOW_SIZE_VER0|HWCAP2_\w+"
                         r"|CPUCLOCK_\w+|CLOCKFD|SCHED_NORMAL|UC_STRICT_RESTORE_SS"
                         r"|MSG_(SYN|RST|FIN|PROXY|BATCH)|SCM_(SECURITY|MAX_FD)|PARENB"
                         r"|SO_PEERPIDFD"        # Linux 6.5
                         r"|AT_RSEQ_\w+|SI_DETHREAD|UNIX98_PTY_\w+|LANDLOCK_\w+|FUTEX_32"
                         r"|BLK(IOMIN|IOOPT|ALIGNOFF|PBSZGET)|MEMBARRIER_\w+|SOCK_TYPE_MASK"
                         r"|RTSIG_MAX|IOV_MAX|AF_MAX|MS_(MGC_MSK|NOSYMFOLLOW)|SO_PASSPIDFD"
                         r"|SEGV_MTE\w+|SA_\w+|TRAP_UNK|FPE_FLTUNK|SYS_USER_DISPATCH|F_CANCELLK"
                         r"|FASYNC|ROBUST_LIST_LIMIT|POLLREMOVE|POLL\w+|CBAUDEX|_POSIX_VDISABLE)$")


def run(cmd, text):
    return subprocess.run(cmd, input=text, text=True, capture_output=True, check=False)


def compiler(arch):
    if not shutil.which(CC[arch]):
        pytest.skip(f"{CC[arch]} is not installed")
    return CC[arch]


def ours(arch):
    return ["-std=gnu17", "-ffreestanding", "-Wall", "-Wextra", "-Werror", "-I", str(TOP / "include"),
            "-I", str(TOP / f"arch/{arch}/include")]


def sources(arch, header):
    """The text of one of our headers with the port's part that it includes, comments removed."""
    text = (TOP / "include/uapi" / header).read_text()
    for name in re.findall(r"#include <arch_impl/(\w+\.h)>", text):
        text += (TOP / f"arch/{arch}/include/arch_impl" / name).read_text()
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def constants(arch, header):
    names = re.findall(r"^#define[ \t]+(\w+)[ \t]+\S", sources(arch, header), flags=re.M)
    return [n for n in dict.fromkeys(names) if not NOT_INTEGER.match(n)]


def members(body):
    """Names of the top-level members in a struct's body: unions and inner structs by their name."""
    while True:
        flat = re.sub(r"(struct|union)\s*\w*\s*\{[^{}]*\}", "int", body)
        if flat == body:
            break
        body = flat
    found = re.findall(r"(\w+)\s*(?:\[[^;]*\])?\s*(?:__attribute__.*)?;", body)
    return [m for m in found if not re.match(r"_|pad|reserved|int$", m)]


def structs(arch, header):
    text = sources(arch, header)
    out = {}
    for match in re.finditer(r"^(?:typedef )?struct (\w+) \{\n(.*?)^\}", text, flags=re.M | re.S):
        out["struct " + match.group(1)] = members(match.group(2))
    return out


def evaluate(arch, header, expressions):
    """Values of constant expressions after including our header."""
    lines = [f"#include <uapi/{header}>", "void f(void); void f(void) {"]
    lines += [f'asm volatile("@@ {i} %0" :: "i"((long long)({e})));'
              for i, e in enumerate(expressions)]
    done = run([compiler(arch), *ours(arch), "-S", "-o", "-", "-x", "c", "-"],
               "\n".join(lines + ["}"]))
    assert done.returncode == 0, done.stderr[:3000]
    return {expressions[int(i)]: int(v) for i, v in re.findall(r"@@ (\d+) [$#]?(-?\d+)", done.stdout)}


def facts(arch, header):
    """[(what, reference expression, value)] for everything that one of our headers says."""
    pairs = [(n, n, n) for n in constants(arch, header)]
    for name, fields in structs(arch, header).items():
        ref = TYPES.get(name, name)
        if name not in OPEN_ENDED:
            pairs.append((name, f"sizeof({name})", f"sizeof({ref})"))
        for field in fields:
            other = MEMBER_MAPS.get(name, {}).get(field, field)
            pairs.append((f"{name}.{field}", f"__builtin_offsetof({name}, {field})",
                          f"__builtin_offsetof({ref}, {other})"))
    values = evaluate(arch, header, [p[1] for p in pairs])
    return [(what, ref, values[mine]) for what, mine, ref in pairs]


def consult(arch, includes, asserted):
    """(known names, mismatches) according to one set of reference headers."""
    lines = ["#define _GNU_SOURCE", "#include <stddef.h>", "#include <stdint.h>"]
    lines += [f"#if __has_include(<{i}>)\n#include <{i}>\n#endif" for i in includes]
    lines.append("#line 1 \"facts\"")
    lines += [f"_Static_assert((long long)({ref}) == {value}LL, \"{what}\");"
              for what, ref, value in asserted]
    done = run([compiler(arch), "-std=gnu17", "-w", "-fsyntax-only", "-fmax-errors=0", "-x", "c", "-"],
               "\n".join(lines))
    known, wrong = {a[0] for a in asserted}, []
    for number, message in re.findall(r"^facts:(\d+):\d+: error: (.*)$", done.stderr, flags=re.M):
        what = asserted[int(number) - 1][0]
        if "static assertion failed" in message:
            wrong.append(what)
        known.discard(what)
    assert "facts" in done.stderr or done.returncode == 0, done.stderr[:2000]
    return known, wrong


@functools.cache
def compare(arch, header):
    asserted = facts(arch, header)
    known, wrong = set(), []
    for includes in REFERENCE[header]:
        found, bad = consult(arch, includes, asserted)
        known |= found
        wrong += bad
    unknown = {a[0] for a in asserted} - known - set(wrong)
    return len(asserted), {w for w in wrong if w not in known}, unknown


@pytest.mark.parametrize("arch", CC)
@pytest.mark.parametrize("header", HEADERS)
def test_values_match_linux(arch, header):
    assert header in REFERENCE, f"name the reference headers for {header} in REFERENCE"
    total, wrong, unknown = compare(arch, header)
    assert not wrong, f"differs from Linux ({arch}): {sorted(wrong)}"
    strange = [n for n in unknown if "." not in n and not n.startswith("struct ")
               and not OURS.match(n) and not KERNEL_ONLY.match(n)]
    assert not strange, f"no reference header knows ({arch}): {sorted(strange)} of {total}"


@pytest.mark.parametrize("arch", CC)
@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_compiles_alone(arch, header, cc):
    cmd = [compiler(arch)] if cc == "gcc" else ["clang", f"--target={CLANG[arch]}"]
    if not shutil.which(cmd[0]):
        pytest.skip(f"{cmd[0]} is not installed")
    done = run([*cmd, *ours(arch), "-fsyntax-only", "-x", "c", "-"], f"#include <uapi/{header}>\n")
    assert done.returncode == 0, done.stderr[:2000]


@pytest.mark.parametrize("arch", CC)
def test_compile_together(arch):
    text = "\n".join(f"#include <uapi/{h}>" for h in HEADERS)
    done = run([compiler(arch), *ours(arch), "-fsyntax-only", "-x", "c", "-"], text)
    assert done.returncode == 0, done.stderr[:2000]
