# SPDX-License-Identifier: MIT
"""Runs one guest command: passes its streams and exit status through (scripts/vm -- CMD)."""

import os
import select
import socket
import struct
import time

from . import frames
from .errors import EXIT_TIMEOUT, VmError

GRACE = 5           # seconds a guest has to turn itself off after its command's end
GATHER_US = 100000  # how long to wait for the rest of a frame before looking at the rest of the world
CHUNK = 1 << 16


class Deadline:
    """A point in time; None is never."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.at = None if seconds is None else time.monotonic() + seconds

    def left_ms(self):
        if self.at is None:
            return None
        return max(0, int((self.at - time.monotonic()) * 1000) + 1)

    def passed(self):
        return self.at is not None and time.monotonic() >= self.at


def exit_status(wait_status):
    """A wait status as a shell reports it."""
    if os.WIFSIGNALED(wait_status):
        return 128 + os.WTERMSIG(wait_status)
    return os.WEXITSTATUS(wait_status)


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view):]


class Session:
    """The conversation with the agent of one guest."""

    def __init__(self, process, log, timeout=None, boot_timeout=None, stdin=0, stdout=1, stderr=2):
        self.process, self.log = process, log
        self.line = process.console.fileno()
        process.console.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO,
                                   struct.pack("@ll", 0, GATHER_US))
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr
        self.timeout, self.boot_timeout = Deadline(timeout), Deadline(boot_timeout)
        self.parser = frames.Parser()
        self.up = False
        self.credit = 0
        self.outgoing = bytearray()
        self.status = None
        self.ended = False

    def run(self):
        """The command's exit status; VmError if the guest did not get that far."""
        while self.status is None and not self.ended:
            self._check_deadlines()
            self._wait_once()
        if self.status is None:
            raise self._lost()
        self.process.wait(GRACE)
        return self.status

    def _check_deadlines(self):
        if self.timeout.passed():
            where = "" if self.up else " (the guest's agent was not up yet)"
            raise VmError(f"timed out after {self.timeout.seconds:g} s{where}", EXIT_TIMEOUT,
                          self.log.tail() if not self.up else ())
        if not self.up and self.boot_timeout.passed():
            raise VmError(f"the guest never came up: no agent within {self.boot_timeout.seconds:g} s",
                          log_tail=self.log.tail())

    def _wait_once(self):
        poller = select.poll()
        poller.register(self.line, select.POLLIN | (select.POLLOUT if self.outgoing else 0))
        if self.credit > 0 and self.stdin is not None:
            poller.register(self.stdin, select.POLLIN)
        limits = [self.timeout.left_ms()] + ([] if self.up else [self.boot_timeout.left_ms()])
        wait = min((ms for ms in limits if ms is not None), default=None)
        for fd, events in poller.poll(wait):
            if fd == self.line and events & select.POLLOUT:
                del self.outgoing[:os.write(self.line, self.outgoing)]
            if fd == self.line and events & ~select.POLLOUT:
                self._read_line()
            elif fd == self.stdin and self.stdin is not None:
                self._read_stdin()

    def _receive(self):
        """Bytes from the line; the rest of a begun frame at once if it comes soon.

        QEMU's UART hands over single bytes: the kernel gathers them far cheaper than this loop.
        """
        missing = self.parser.missing()
        try:
            if missing > 1:
                return self.process.console.recv(missing, socket.MSG_WAITALL)
            return os.read(self.line, CHUNK)
        except BlockingIOError:
            return None
        except ConnectionResetError:
            return b""

    def _read_line(self):
        data = self._receive()
        if data is None:
            return
        if not data:
            self.ended = True
            self.log.text(self.parser.flush())
            return
        for kind, payload in self.parser.feed(data):
            self._handle(kind, payload)

    def _handle(self, kind, payload):
        if kind == "text":
            self.log.text(payload)
        elif kind == "damaged":
            raise VmError("the console line damaged a frame: output is lost",
                          log_tail=self.log.tail())
        elif kind == frames.STDOUT:
            write_all(self.stdout, payload)
        elif kind == frames.STDERR:
            write_all(self.stderr, payload)
        elif kind == frames.KMSG:
            self.log.record(payload)
        elif kind == frames.CREDIT:
            self.credit += struct.unpack("<I", payload)[0]
        elif kind == frames.DEAF:
            self.stdin = None
        elif kind == frames.EXIT:
            self.status = exit_status(struct.unpack("<I", payload)[0])
        elif kind == frames.FAIL:
            raise VmError("the guest's agent failed: " + payload.decode(errors="replace"),
                          log_tail=self.log.tail())
        elif kind == frames.HELLO and not self.up:
            self.up = self.log.live = True
            self._send(frames.GO)

    def _send(self, kind, payload=b""):
        self.outgoing += frames.pack(kind, payload)

    def _read_stdin(self):
        try:
            data = os.read(self.stdin, self.credit)
        except OSError:         # a closed standard input is an empty one
            data = b""
        if data:
            self.credit -= len(data)
            self._send(frames.STDIN, data)
        else:
            self.stdin = None
            self._send(frames.EOF)

    def _lost(self):
        """Why QEMU's end came before the command's."""
        status = self.process.wait(GRACE)
        errors = self.process.errors() if status is not None else ""
        if self.log.panicked:
            what = "the guest panicked"
        elif errors and status:
            what = "QEMU failed: " + "; ".join(errors.splitlines())
        elif self.up:
            what = "the guest stopped before its command ended"
        else:
            what = "the guest never came up: it stopped before its agent started"
        return VmError(what, log_tail=self.log.tail())
