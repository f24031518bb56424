# SPDX-License-Identifier: MIT
"""The host's half of vmagent's framing; usr/vmagent/README.md has the wire format."""

import struct
import zlib

MAGIC = b"\x10\xa9"
HEAD = 6
TAIL = 4
MAX_PAYLOAD = 4096

HELLO, STDOUT, STDERR, KMSG = ord("H"), ord("O"), ord("E"), ord("K")
CREDIT, DEAF, EXIT, FAIL = ord("C"), ord("D"), ord("X"), ord("F")
GO, STDIN, EOF = ord("G"), ord("I"), ord("Z")


def _head_check(kind, length):
    return ~(kind + (length & 0xFF) + (length >> 8)) & 0xFF


def pack(kind, payload=b""):
    """One frame, ready for the line."""
    size = len(payload)
    head = MAGIC + struct.pack("<BHB", kind, size, _head_check(kind, size))
    return head + payload + struct.pack("<I", zlib.crc32(payload))


class Parser:
    """Splits the bytes of the line into frames and text that is outside of frames.

    A frame whose checksum is wrong comes out as (None, its bytes): what it carried is lost.
    """

    def __init__(self):
        self._buf = bytearray()

    def feed(self, data):
        """Yields ("text", bytes), ("damaged", bytes) or (type, payload)."""
        self._buf += data
        while self._buf:
            start = self._buf.find(MAGIC)
            if start < 0:       # keep a lone last byte that may begin a magic
                start = len(self._buf) - (self._buf[-1] == MAGIC[0])
                if start:
                    yield "text", self._take(start)
                return
            if start:
                yield "text", self._take(start)
            item = self._frame()
            if item is None:
                return
            yield item

    def missing(self):
        """Bytes that the frame being received still lacks; 0 outside of one."""
        if not self._buf.startswith(MAGIC):
            return 0
        if len(self._buf) < HEAD:
            return HEAD - len(self._buf)
        return HEAD + struct.unpack_from("<H", self._buf, 3)[0] + TAIL - len(self._buf)

    def flush(self):
        """What is left when the line has closed."""
        return self._take(len(self._buf))

    def _take(self, count):
        data = bytes(self._buf[:count])
        del self._buf[:count]
        return data

    def _frame(self):
        if len(self._buf) < HEAD:
            return None
        kind, size, check = struct.unpack_from("<BHB", self._buf, 2)
        if check != _head_check(kind, size) or size > MAX_PAYLOAD:
            return "text", self._take(len(MAGIC))
        whole = HEAD + size + TAIL
        if len(self._buf) < whole:
            return None
        payload = bytes(self._buf[HEAD:HEAD + size])
        crc, = struct.unpack_from("<I", self._buf, HEAD + size)
        if zlib.crc32(payload) != crc:
            return "damaged", self._take(len(MAGIC))
        self._take(whole)
        return kind, payload
