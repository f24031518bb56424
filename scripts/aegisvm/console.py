# SPDX-License-Identifier: MIT
"""The interactive console, and reading a guest's raw console to its end.

On a terminal every key goes to the guest but Ctrl-A: Ctrl-A x quits, Ctrl-A Ctrl-A sends one.
Piped input is typed line by line, each when the guest shows a prompt or has been quiet, as a
person would: a tty that nobody reads yet would lose it. At its end Ctrl-D is typed; when the
machine then neither stops nor has more to say, it is switched off.
"""

import contextlib
import os
import select
import termios
import tty

from .errors import EXIT_TIMEOUT, VmError
from .session import CHUNK, Deadline, write_all

ESCAPE = 0x01
PROMPTS = (b"# ", b"$ ", b"> ")
QUIET_MS = 300
BOOT_QUIET_MS = 10000
LEAVE_MS = 3000


@contextlib.contextmanager
def raw_terminal(fd):
    saved = termios.tcgetattr(fd)
    tty.setraw(fd)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, saved)


class Keys:
    """Takes Ctrl-A commands out of what is typed."""

    def __init__(self):
        self.quit = False
        self._escaped = False

    def feed(self, data):
        out = bytearray()
        for byte in data:
            if self._escaped:
                self._escaped = False
                if byte in b"xX":
                    self.quit = True
                elif byte == ESCAPE:
                    out.append(byte)
            elif byte == ESCAPE:
                self._escaped = True
            else:
                out.append(byte)
        return bytes(out)


class Console:
    """Joins our terminal or pipes and the guest's console until one of them ends."""

    def __init__(self, process, log, timeout=None):
        self.process, self.log = process, log
        self.line = process.console.fileno()
        self.deadline = Deadline(timeout)
        self.keys = Keys()
        self.typing = b""           # piped input not typed yet
        self.input_open = True
        self.said_bye = self.left = False
        self.prompted = self.seen_prompt = False
        self.ended = False

    def run(self):
        """Returns QEMU's exit status, or 0 after Ctrl-A x."""
        if os.isatty(0):
            os.write(2, b"Press Ctrl-A x to quit.\n")
            with raw_terminal(0):
                self._loop(self._typed)
        else:
            self._loop(self._piped)
        if self.keys.quit or self.left:
            return 0
        return self.process.wait(5)

    def _loop(self, on_input):
        while not (self.ended or self.keys.quit or self.left):
            if self.deadline.passed():
                raise VmError(f"timed out after {self.deadline.seconds:g} s", EXIT_TIMEOUT)
            poller = select.poll()
            poller.register(self.line, select.POLLIN)
            if self.input_open and len(self.typing) < CHUNK:
                poller.register(0, select.POLLIN)
            waits = [self.deadline.left_ms(), self._quiet_ms(on_input)]
            ready = poller.poll(min((ms for ms in waits if ms is not None), default=None))
            for fd, _ in ready:
                self._show() if fd == self.line else on_input()
            if on_input == self._piped and (self.prompted or not ready):
                self._type_line()

    def _quiet_ms(self, on_input):
        if on_input != self._piped or (self.input_open and not self.typing):
            return None
        if self.said_bye:
            return LEAVE_MS
        return QUIET_MS if self.seen_prompt else BOOT_QUIET_MS

    def _show(self):
        try:
            data = os.read(self.line, CHUNK)
        except ConnectionResetError:
            data = b""
        if not data:
            self.ended = True
            return
        self.log.text(data)
        write_all(1, data)
        self.prompted = data.endswith(PROMPTS)
        self.seen_prompt = self.seen_prompt or self.prompted

    def _typed(self):
        data = os.read(0, CHUNK)
        if not data:
            self.input_open = False
        self._to_guest(self.keys.feed(data))

    def _piped(self):
        data = os.read(0, CHUNK)
        self.input_open = bool(data)
        self.typing += data

    def _type_line(self):
        if self.typing:
            head, newline, self.typing = self.typing.partition(b"\n")
            self.prompted = False
            self._to_guest(head + newline)
        elif self.said_bye:
            self.left = True        # a new prompt, or silence: nothing ended by itself
        elif not self.input_open:
            self.said_bye = True
            self.prompted = False
            self._to_guest(b"\x04")         # end of file, as a person would type it

    def _to_guest(self, data):
        if data:
            self.process.console.sendall(data)


def read_to_end(process, timeout, on_data):
    """Feeds a guest's whole console output to on_data; QEMU's exit status, None at time-out."""
    deadline = Deadline(timeout)
    while True:
        poller = select.poll()
        poller.register(process.console.fileno(), select.POLLIN)
        if not poller.poll(deadline.left_ms()):
            if deadline.passed():
                return None
            continue
        try:
            data = os.read(process.console.fileno(), CHUNK)
        except ConnectionResetError:
            data = b""
        if not data:
            return process.wait(5)
        on_data(data)
