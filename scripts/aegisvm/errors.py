# SPDX-License-Identifier: MIT
"""The two ways this package refuses: bad use, and trouble with the infrastructure."""

EXIT_USAGE = 2
EXIT_TIMEOUT = 124


class VmError(Exception):
    """One line for the user; the exit status is 2 unless said otherwise."""

    def __init__(self, message, status=EXIT_USAGE, log_tail=()):
        super().__init__(message)
        self.status = status
        self.log_tail = list(log_tail)
