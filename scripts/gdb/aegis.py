# SPDX-License-Identifier: MIT
"""gdb commands that know the kernel's structures. In gdb: source scripts/gdb/aegis.py

  aegis-tasks             every process and thread: number, state, CPU, name
  aegis-locks [THREAD]    locks that a thread (all threads) holds, with the places (debug configuration)
  aegis-pages ADDRESS [ASPACE]   the page table entries of an address
  aegis-backtrace THREAD  the return addresses on the stack of a thread that does not run

THREAD is an expression: (struct thread *)0xffff..., or a thread's number.
"""

import gdb

STATES = {0: "running", 1: "sleeping", 2: "uninterruptible", 4: "killable", 8: "stopped", 16: "traced", 32: "dead"}
# Where all of physical memory appears, and which bits of an entry are an address.
DIRECT_MAP = {"x86_64": 0xffff888000000000, "arm64": 0xffff000000000000}
ADDRESS_BITS = 0x0000fffffffff000
LEVELS = 4


def arch():
    return "arm64" if "aarch64" in gdb.selected_frame().architecture().name() else "x86_64"


def container(pointer, kind, member):
    """The structure that a list node or the like is embedded in."""
    struct = gdb.lookup_type(f"struct {kind}")
    offset = next(f.bitpos // 8 for f in struct.fields() if f.name == member)
    return gdb.Value(int(pointer) - offset).cast(struct.pointer())


def entries(head, kind, member):
    """The structures on a struct list."""
    node = head["next"]
    while int(node) != int(head.address):
        yield container(node, kind, member)
        node = node["next"]


def processes():
    return entries(gdb.parse_and_eval("process_list"), "process", "all_node")


def threads():
    for process in processes():
        yield from entries(process["threads"], "thread", "process_node")


def number(thread):
    return int(thread["pid"]["nr"]) if int(thread["pid"]) else 0


def find_thread(text):
    value = gdb.parse_and_eval(text)
    if value.type.code == gdb.TYPE_CODE_PTR:
        return value
    for thread in threads():
        if number(thread) == int(value):
            return thread
    raise gdb.GdbError(f"no thread has number {int(value)}")


class Tasks(gdb.Command):
    """Every process and thread: number, state, CPU, name."""

    def __init__(self):
        super().__init__("aegis-tasks", gdb.COMMAND_DATA)

    def invoke(self, _argument, _from_tty):
        print(f"{'pid':>7} {'tid':>7} {'state':16} cpu thread             name")
        for process in processes():
            for thread in entries(process["threads"], "thread", "process_node"):
                state = STATES.get(int(thread["state"]), "?") + (" on CPU" if int(thread["on_cpu"]) else "")
                print(f"{int(process['pid']['nr']):7} {number(thread):7} {state:16} {int(thread['cpu']):3} "
                      f"{int(thread):#018x} {thread['name'].string()}")


class Locks(gdb.Command):
    """Locks that threads hold, outermost first, with the places that took them."""

    def __init__(self):
        super().__init__("aegis-locks", gdb.COMMAND_DATA)

    def invoke(self, argument, _from_tty):
        if "lockdep" not in [f.name for f in gdb.lookup_type("struct thread").fields()]:
            raise gdb.GdbError("this kernel keeps no record of locks: build with debug_defconfig")
        for thread in [find_thread(argument)] if argument else threads():
            for i in range(int(thread["lockdep"]["depth"])):
                held = thread["lockdep"]["held"][i]
                name = gdb.Value(int(held["class"])).cast(gdb.lookup_type("enum lock_class"))
                place = gdb.find_pc_line(int(held["site"]))
                print(f"{number(thread):7} {str(name):20} {int(held['lock']):#018x} {place.symtab}:{place.line}")


class Pages(gdb.Command):
    """The page table entries of an address, from the root to the leaf."""

    def __init__(self):
        super().__init__("aegis-pages", gdb.COMMAND_DATA)

    def invoke(self, argument, _from_tty):
        words = gdb.string_to_argv(argument)
        if not words:
            raise gdb.GdbError("usage: aegis-pages ADDRESS [ASPACE]")
        address = int(gdb.parse_and_eval(words[0])) & (1 << 64) - 1
        table = self.root(address, words[1] if len(words) > 1 else None)
        for level in reversed(range(LEVELS)):
            index = address >> 12 + 9 * level & 511
            where = DIRECT_MAP[arch()] + table + 8 * index
            entry = int(gdb.Value(where).cast(gdb.lookup_type("unsigned long").pointer()).dereference())
            print(f"level {level}: [{index:3}] at {where:#018x}: {entry:#018x}")
            if not entry & 1 or self.is_leaf(entry, level):
                break
            table = entry & ADDRESS_BITS

    @staticmethod
    def root(address, aspace):
        if aspace:
            space = gdb.parse_and_eval(aspace).cast(gdb.lookup_type("struct aspace").pointer())
            return int(space["arch"]["root"]) - DIRECT_MAP[arch()]
        register = "$cr3" if arch() == "x86_64" else "$TTBR1_EL1" if address >> 63 else "$TTBR0_EL1"
        return int(gdb.parse_and_eval(register)) & ADDRESS_BITS

    @staticmethod
    def is_leaf(entry, level):
        return level == 0 or (bool(entry & 0x80) if arch() == "x86_64" else not entry & 2)


class Backtrace(gdb.Command):
    """Return addresses on the stack of a thread that does not run."""

    def __init__(self):
        super().__init__("aegis-backtrace", gdb.COMMAND_STACK)

    def invoke(self, argument, _from_tty):
        thread = find_thread(argument)
        if int(thread["on_cpu"]):
            raise gdb.GdbError("this thread runs on a CPU: use gdb's own threads")
        base, word = int(thread["stack"]), gdb.lookup_type("unsigned long").pointer()
        size = 16384
        for where in range(base, base + size, 8):
            block = gdb.block_for_pc(int(gdb.Value(where).cast(word).dereference()) or 1)
            value = int(gdb.Value(where).cast(word).dereference())
            if block and block.function:
                print(f"{where:#018x}: {value:#018x} {block.function}")


for command in (Tasks, Locks, Pages, Backtrace):
    command()
print("aegis: " + " ".join(c.__name__.lower() for c in (Tasks, Locks, Pages, Backtrace)) + " (aegis-NAME)")
