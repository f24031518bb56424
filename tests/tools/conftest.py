# SPDX-License-Identifier: MIT
"""Helpers for the tests of scripts/: they run the tools as a user would."""

import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "scripts"))


@pytest.fixture(scope="session")
def tree():
    return TREE


@pytest.fixture
def vm(tmp_path):
    """Runs scripts/vm; kernel messages go to a file so that stderr is the guest's alone."""

    def run(*words, stdin=b"", log=True, seconds=300):
        logging = ["--log", str(tmp_path / "kernel.log")] if log else []
        return subprocess.run([TREE / "scripts/vm", *logging, *words], input=stdin,
                              capture_output=True, timeout=seconds)

    return run


@pytest.fixture(params=["x86_64", "arm64"])
def linux(request, vm):
    """Runs a command on Debian's cloud kernel of each architecture."""

    def run(*command, options=(), **kwargs):
        return vm("--arch", request.param, "--linux", "--timeout", "200", *options, "--", *command,
                  **kwargs)

    run.arch = request.param
    return run
