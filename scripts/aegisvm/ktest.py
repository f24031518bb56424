# SPDX-License-Identifier: MIT
"""In-kernel unit tests: boots with ktest=PATTERN and judges by the result channel."""

import os
import re

from . import console
from .errors import EXIT_TIMEOUT, VmError

PASS, FAIL, PANIC = "pass", "fail", "panic"
# QEMU's exit status: isa-debug-exit makes (value << 1) | 1 of 0x10, 0x11 and 3;
# semihosting's SYS_EXIT_EXTENDED passes 0, 1 and 3 as they are.
CODES = {
    "debug-exit": {33: PASS, 35: FAIL, 7: PANIC},
    "semihosting": {0: PASS, 1: FAIL, 3: PANIC},
}
KTAP = re.compile(rb"\s*(KTAP version \d+|1\.\.\d+|(not )?ok \d+\b.*|# .*)\s*$")


class Ktap:
    """Sorts console lines into KTAP and kernel log; knows whether the outermost plan was kept."""

    def __init__(self, log):
        self.log = log
        self.started = False
        self.plan, self.results, self.failed = None, 0, 0
        self._part = b""

    def feed(self, data):
        *lines, self._part = (self._part + data).split(b"\n")
        for line in lines:
            self._line(line.rstrip(b"\r"))

    def _line(self, line):
        self.started = self.started or line.startswith(b"KTAP version")
        if not (self.started and KTAP.match(line)):
            self.log.text(line + b"\n")
            return
        os.write(1, line + b"\n")
        if line.startswith(b"1..") and self.plan is None:
            self.plan = int(line[3:])
        elif re.match(rb"(not )?ok \d", line):
            self.results += 1
            self.failed += line.startswith(b"not ")

    def complete(self):
        return self.plan is not None and self.results == self.plan


def run(process, log, timeout):
    """0 if every test passed, 1 if not; VmError if the kernel did not finish them."""
    ktap = Ktap(log)
    status = console.read_to_end(process, timeout, ktap.feed)
    if status is None:
        raise VmError(f"timed out after {timeout:g} s", EXIT_TIMEOUT, log.tail())
    verdict = CODES[process.machine.board.supports["result"]].get(status)
    if verdict == PANIC or log.panicked:
        raise VmError("the guest panicked", log_tail=log.tail())
    if verdict is None:
        raise VmError(f"QEMU ended with status {status}: {process.errors() or 'no result'}",
                      log_tail=log.tail())
    if not ktap.complete():
        raise VmError(f"the guest reported '{verdict}' but not every test of its plan",
                      log_tail=log.tail())
    return 0 if verdict == PASS and not ktap.failed else 1
