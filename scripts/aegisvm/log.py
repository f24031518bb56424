# SPDX-License-Identifier: MIT
"""The guest's kernel log as the host sees it: where it goes, its tail, and whether it panicked."""

import collections
import os
import re

PANIC = re.compile(rb"Kernel panic|kernel panic|^\s*(\[[^]]*\] ?)?panic: |PANIC", re.M)
TAIL_LINES = 40
WARNING = 4         # the level of KERN_WARNING; a smaller one is more severe


class KernelLog:
    """Text outside of frames and /dev/kmsg records, in the order they came.

    With a file everything goes there. Without one the text before the agent is up and records
    less severe than a warning are only kept (chatter); the rest goes to standard error.
    """

    def __init__(self, path=None):
        self.file = open(path, "wb", buffering=0) if path else None
        self.live = False
        self.panicked = False
        self._tail = collections.deque(maxlen=TAIL_LINES)
        self._part = b""

    def text(self, data, level=WARNING):
        data = data.replace(b"\r\n", b"\n")
        self._keep(data)
        if self.file:
            self.file.write(data)
        elif self.live and level <= WARNING:
            os.write(2, data)

    def record(self, record):
        """One /dev/kmsg record: "priority,sequence,microseconds,flags;text"."""
        head, _, body = record.partition(b";")
        fields = head.split(b",")
        try:
            level, seconds = int(fields[0]) & 7, int(fields[2]) / 1e6
        except (IndexError, ValueError):
            return self.text(record)
        message = body.split(b"\n", 1)[0]
        return self.text(b"[%12.6f] %s\n" % (seconds, message), level)

    def _keep(self, data):
        *lines, self._part = (self._part + data).split(b"\n")
        for line in lines:
            self._tail.append(line.rstrip(b"\r"))
            self.panicked = self.panicked or bool(PANIC.search(line))
        self._part = self._part[-4096:]

    def tail(self):
        lines = [*self._tail, self._part] if self._part else list(self._tail)
        return [line.decode(errors="replace") for line in lines if line.strip()]
