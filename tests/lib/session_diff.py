# SPDX-License-Identifier: MIT
"""Compares what a session's script printed on two kernels, step by step ("## NAME" begins one)."""

import difflib


def steps(text):
    """{step: its lines}"""
    found, lines = {}, []
    for line in text.split("\n"):
        if line.startswith("## "):
            lines = found.setdefault(line[3:], [])
        else:
            lines.append(line)
    return found


def compare(report, wanted, got, suffix):
    for name, lines in steps(wanted).items():
        mine = steps(got).get(name)
        if mine is None:
            report.fail(f"{name}{suffix}", "the session did not get there")
        elif mine != lines:
            report.fail(f"{name}{suffix}", *[d for d in difflib.unified_diff(lines, mine, "linux", "aegis",
                                                                             n=1, lineterm="")][2:])
        else:
            report.passed(f"{name}{suffix}")
