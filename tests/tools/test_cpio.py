# SPDX-License-Identifier: MIT
"""The initrd overlay: what cpio(1) reads back, and that it leaves the base image's folders alone."""

import subprocess

from aegisvm import cpio


def test_cpio_reads_it_back(tmp_path):
    archive = cpio.Archive()
    archive.file("etc/vm/command", b"odd length", 0o600)
    archive.link("bin/sh", "busybox")
    subprocess.run(["cpio", "-i", "--quiet"], input=archive.data(), cwd=tmp_path, check=True)
    assert (tmp_path / "etc/vm/command").read_bytes() == b"odd length"
    assert (tmp_path / "bin/sh").readlink().name == "busybox"


def test_names_of_concatenated_archives():
    first, second = cpio.Archive(), cpio.Archive()
    first.file("a/b", b"x")
    second.link("c", "a")
    assert cpio.names(first.data() + second.data()) == {"a", "a/b", "c"}
    assert cpio.names(b"\x1f\x8bnot plain") == set()


def test_known_folders_are_not_repeated():
    archive = cpio.Archive(known={"bin"})
    archive.file("bin/tool", b"")
    archive.file("new/file", b"")
    assert cpio.names(archive.data()) == {"bin/tool", "new", "new/file"}
