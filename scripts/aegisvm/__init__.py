# SPDX-License-Identifier: MIT
"""Starts machines: boards, images and guests for scripts/vm, scripts/bench and the tests."""
