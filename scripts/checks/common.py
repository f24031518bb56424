# SPDX-License-Identifier: MIT
"""What the checkers share: the tree's files, and one way to report."""

import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


def files(*endings):
    """Committed or addable files, relative to the top; those with one of the endings."""
    done = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=TOP,
                          capture_output=True, text=True, check=True)
    names = sorted(set(done.stdout.split("\0")) - {""})
    return [Path(n) for n in names if (not endings or n.endswith(endings)) and (TOP / n).is_file()]


def text_of(path):
    """A file's text; None if it is no text (a fuzz corpus, an image)."""
    data = (TOP / path).read_bytes()
    if b"\0" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def finish(problems, warnings=()):
    """Prints FILE:LINE: text for each problem; the exit status of a checker."""
    for line in warnings:
        print(f"warning: {line}")
    for line in problems:
        print(line)
    return 1 if problems else 0


def usage(doc):
    if len(sys.argv) > 1:
        print(doc.strip())
        sys.exit(0 if sys.argv[1] in ("-h", "--help") else 2)
