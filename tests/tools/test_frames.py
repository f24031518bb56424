# SPDX-License-Identifier: MIT
"""The host's half of the framing: any split, any noise."""

import random

import pytest
from aegisvm import frames


def parse(chunks):
    parser = frames.Parser()
    items = [item for chunk in chunks for item in parser.feed(chunk)]
    rest = parser.flush()
    return items + ([("text", rest)] if rest else [])


def joined_text(items):
    return b"".join(payload for kind, payload in items if kind == "text")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 5000])
def test_any_split(size):
    rng = random.Random(1)
    wanted = [(frames.STDOUT, rng.randbytes(n)) for n in (0, 1, 255, 256, 4096)]
    line = b"boot text" + b"".join(frames.pack(*frame) for frame in wanted) + b"more text\x10"
    items = parse(line[i:i + size] for i in range(0, len(line), size))
    assert [item for item in items if item[0] != "text"] == wanted
    assert joined_text(items) == b"boot textmore text\x10"


def test_magic_in_text_and_payload():
    frame = frames.pack(frames.STDERR, frames.MAGIC * 100)
    items = parse([b"a" + frames.MAGIC + b"zzzz" + frame])
    assert (frames.STDERR, frames.MAGIC * 100) in items
    assert joined_text(items) == b"a" + frames.MAGIC + b"zzzz"


def test_damage_is_seen():
    frame = bytearray(frames.pack(frames.STDOUT, b"hello"))
    frame[8] ^= 1
    assert ("damaged", frames.MAGIC) in parse([bytes(frame)])


def test_missing_counts_down_to_the_end():
    frame = frames.pack(frames.STDOUT, b"hello")
    parser = frames.Parser()
    assert parser.missing() == 0
    assert list(parser.feed(frame[:7])) == []
    assert parser.missing() == len(frame) - 7
    assert list(parser.feed(frame[7:])) == [(frames.STDOUT, b"hello")]
    assert parser.missing() == 0
