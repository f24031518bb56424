# SPDX-License-Identifier: MIT
"""Reads syscalls.tbl and sets.tbl into plain objects, checking everything that they may say."""

import dataclasses
import re

ARCHES = ("x86_64", "arm64")
RESULTS = ("int", "len", "off", "addr", "fd", "pid", "uid", "mode", "sig", "long", "none")
MAX_ARGS = 6

# Kind -> (C type of the handler's parameter, kind for the decoder)
SCALARS = {
    "int": ("int", "INT"), "uint": ("unsigned int", "UINT"), "long": ("long", "LONG"),
    "ulong": ("unsigned long", "ULONG"), "size": ("size_t", "ULONG"), "off": ("int64_t", "LONG"),
    "hex": ("unsigned long", "MASK"),
    "mode": ("unsigned int", "MODE"), "dev": ("unsigned int", "DEV"), "uid": ("unsigned int", "INT"),
    "gid": ("unsigned int", "INT"), "pid": ("int", "INT"), "sig": ("int", "SIG"),
    "fd": ("int", "FD"), "dirfd": ("int", "DIRFD"), "uaddr": ("uaddr_t", "HEX"),
    "path": ("uaddr_t", "STR"), "str": ("uaddr_t", "STR"), "outstr": ("uaddr_t", "OUTSTR"),
    "strv": ("uaddr_t", "STRV"),
}
SET_KINDS = {"flags": ("unsigned int", "FLAGS"), "lflags": ("unsigned long", "FLAGS"),
             "enum": ("int", "ENUM")}
# What in:, out: and inout: may point to besides structs -> kind for the decoder
POINTEES = {"int": "P_INT", "long": "P_LONG", "ulong": "P_LONG", "off": "P_LONG",
            "sigset": "SIGSET", "fdset": "FDSET", "sockaddr": "SOCKADDR", "wstatus": "WSTATUS"}
MEMBER_ONLY = {"sigbits": "SIGBITS", "chars": "CHARS"}


class TableError(Exception):
    """A mistake in a table, with its place."""


@dataclasses.dataclass
class Arg:
    name: str
    text: str			# the kind as written
    ctype: str
    kind: str			# for the decoder
    direction: str = ""		# in, out, inout of a pointer
    ref: str = ""		# name of the set, enumeration or struct
    length: str = ""		# argument name, number, "ret" or ""


@dataclasses.dataclass
class Row:
    name: str
    line: int
    section: str
    numbers: dict		# arch -> number or None
    cap_by: str			# "none", "dispatcher", "handler"
    caps: list			# [(kind, right)]
    result: str
    args: list
    todo: bool = False
    regs: bool = False
    order: dict = dataclasses.field(default_factory=dict)
    note: str = ""

    def registers(self, arch):
        """The register number of each argument, in the handler's order."""
        order = self.order.get(arch, [a.name for a in self.args])
        return [order.index(a.name) for a in self.args]


@dataclasses.dataclass
class Set:
    name: str
    is_enum: bool
    headers: list
    names: list = dataclasses.field(default_factory=list)	# "?X" = not on every architecture
    field_mask: str = ""
    field_names: list = dataclasses.field(default_factory=list)
    match: str = ""


@dataclasses.dataclass
class Struct:
    name: str
    header: str
    members: list		# [(member, Arg)]


@dataclasses.dataclass
class Table:
    rows: list
    sets: dict
    structs: dict
    caps: dict			# kind -> [right]

    def cap_classes(self):
        """What the dispatcher tests, in declaration order: the bit is the index."""
        used = {c for r in self.rows if r.cap_by == "dispatcher" for c in r.caps}
        return [(k, r) for k, rights in self.caps.items() for r in ["any", *rights] if (k, r) in used]


class Reader:
    """A table file; its errors carry file and line."""

    def __init__(self, path):
        self.name, self.number = path.name, 0
        self.lines = path.read_text().split("\n")

    def __iter__(self):
        for self.number, line in enumerate(self.lines, 1):
            yield line.rstrip()

    def fail(self, text):
        raise TableError(f"{self.name}:{self.number}: {text}")


def parse_kind(src, table, name, text):
    """An argument or struct member of the given kind."""
    call = re.fullmatch(r"(\w+)\((\w+)\)", text)
    if call and call.group(1) in SET_KINDS:
        ctype, kind = SET_KINDS[call.group(1)]
        found = table.sets.get(call.group(2))
        if not found or found.is_enum != (call.group(1) == "enum"):
            src.fail(f"{name}: no {'enum' if kind == 'ENUM' else 'set'} {call.group(2)!r} in sets.tbl")
        return Arg(name, text, ctype, kind, ref=call.group(2))
    if text in SCALARS:
        ctype, kind = SCALARS[text]
        return Arg(name, text, ctype, kind)
    return parse_pointer(src, table, name, text)


def parse_pointer(src, table, name, text):
    match = re.fullmatch(r"(in|out|inout)(?::(\w+))?(?:\[(\w+)\])?", text)
    if not match or not (match.group(2) or match.group(3)):
        src.fail(f"{name}: unknown kind {text!r}")
    direction, pointee, length = match.group(1), match.group(2), match.group(3) or ""
    if not pointee:
        return Arg(name, text, "uaddr_t", "BYTES", direction, length=length)
    if pointee in POINTEES:
        return Arg(name, text, "uaddr_t", POINTEES[pointee], direction, length=length)
    if pointee not in table.structs:
        src.fail(f"{name}: no struct {pointee!r} in sets.tbl")
    return Arg(name, text, "uaddr_t", "STRUCT", direction, pointee, length)


def load_sets(path, table):
    src, current = Reader(path), None
    for line in src:
        words = line.split()
        if not words or line.startswith("#"):
            continue
        if line[0].isspace():
            if not current:
                src.fail("a continuation with nothing before it")
            continue_set(src, current, words)
            continue
        current = None
        if words[0] == "cap" and len(words) > 2:
            table.caps[words[1]] = words[2:]
        elif words[0] in ("set", "enum") and len(words) > 2:
            current = Set(words[1], words[0] == "enum", words[2:])
            if words[1] in table.sets:
                src.fail(f"{words[1]} is declared twice")
            table.sets[words[1]] = current
        elif words[0] == "struct" and len(words) > 3 and words[2].endswith(":"):
            load_struct(src, table, words)
        else:
            src.fail(f"expected cap, set, enum or struct: {line!r}")


def continue_set(src, current, words):
    if words[0] == "match":
        current.match = words[1]
        return
    if words[0] == "field":
        if current.field_mask or len(words) < 3 or not words[1].endswith(":"):
            src.fail("one 'field MASK: NAMES' for each set")
        current.field_mask, current.in_field = words[1][:-1], True
        current.field_names += words[2:]
        return
    deep = src.lines[src.number - 1].startswith("\t\t")
    (current.field_names if deep and current.field_mask else current.names).extend(words)


def load_struct(src, table, words):
    members = []
    for word in words[3:]:
        member, _, kind = word.partition(":")
        kind = kind or "int"
        if kind in MEMBER_ONLY:
            members.append((member, Arg(member, kind, "", MEMBER_ONLY[kind])))
        else:
            members.append((member, parse_kind(src, table, member, kind)))
    if words[1] in table.structs:
        src.fail(f"struct {words[1]} is declared twice")
    table.structs[words[1]] = Struct(words[1], words[2][:-1], members)


def parse_caps(src, table, text):
    if text == "-":
        return "none", []
    by = "handler" if text[0] == "~" else "dispatcher"
    parts = text[1:].split(",") if by == "handler" else text.split("+")
    caps = []
    for part in parts:
        kind, _, right = part.partition(":")
        if kind not in table.caps or right not in ["any", *table.caps[kind]]:
            src.fail(f"{part!r} is not a capability: a row needs KIND:right from sets.tbl, or -")
        caps.append((kind, right))
    return by, caps


def parse_number(src, text):
    if text == "-":
        return None
    if not text.isdigit():
        src.fail(f"{text!r} is not a system-call number")
    return int(text)


def parse_options(src, row, text):
    for option in re.findall(r"\w+\([^)]*\)|\S+", text):
        order = re.fullmatch(r"order\((\w+): ([\w ]+)\)", option)
        if option in ("todo", "regs"):
            setattr(row, option, True)
        elif order and order.group(1) in ARCHES:
            names = order.group(2).split()
            if sorted(names) != sorted(a.name for a in row.args):
                src.fail(f"{row.name}: order() must name each argument once")
            row.order[order.group(1)] = names
        else:
            src.fail(f"{row.name}: unknown option {option!r}")


def parse_row(src, table, line, section):
    body, _, note = line.partition(";")
    columns, _, options = body.partition("|")
    words = columns.split()
    if len(words) < 5:
        src.fail("a row is: name x86_64 arm64 capability result argument... | option... ; note")
    by, caps = parse_caps(src, table, words[3])
    numbers = {arch: parse_number(src, words[1 + i]) for i, arch in enumerate(ARCHES)}
    if words[4] not in RESULTS:
        src.fail(f"{words[0]}: unknown result {words[4]!r}")
    args = [parse_kind(src, table, *w.split(":", 1)) if ":" in w else
            src.fail(f"{words[0]}: {w!r} is not NAME:KIND") for w in words[5:]]
    row = Row(words[0], src.number, section, numbers, by, caps, words[4], args, note=note.strip())
    parse_options(src, row, options)
    check_row(src, row)
    return row


def check_row(src, row):
    names = [a.name for a in row.args]
    if len(row.args) > MAX_ARGS:
        src.fail(f"{row.name}: more than {MAX_ARGS} arguments")
    if len(set(names)) != len(names):
        src.fail(f"{row.name}: two arguments have one name")
    for arg in row.args:
        if arg.length and arg.length not in [*names, "ret"] and not arg.length.isdigit():
            src.fail(f"{row.name}: {arg.name} has the length of no argument: {arg.length!r}")
    if not any(n is not None for n in row.numbers.values()):
        src.fail(f"{row.name}: no number on any architecture")


def check_unique(src, rows):
    for key in ("name", *ARCHES):
        seen = {}
        for row in rows:
            value = row.name if key == "name" else row.numbers[key]
            if value is not None and value in seen:
                src.number = row.line
                src.fail(f"{row.name}: {key} {value} is taken by line {seen[value]}")
            seen[value] = row.line


def check_used(path, table):
    args = [a for r in table.rows for a in r.args]
    args += [a for s in table.structs.values() for _, a in s.members]
    used = {a.ref for a in args} | {"errno", "signal"}
    for name in [*table.sets, *table.structs]:
        if name not in used:
            raise TableError(f"{path.name}: {name} is declared and not used")


def load(folder):
    """Both tables, checked; raises TableError."""
    table = Table([], {}, {}, {})
    load_sets(folder / "sets.tbl", table)
    src, section = Reader(folder / "syscalls.tbl"), ""
    for line in src:
        if line.startswith("## "):
            section = line[3:]
        elif line and not line.startswith("#"):
            table.rows.append(parse_row(src, table, line, section))
    check_unique(src, table.rows)
    check_used(folder / "sets.tbl", table)
    if len(table.cap_classes()) > 64:
        raise TableError("syscalls.tbl: the dispatcher tests more than 64 capability classes")
    return table
