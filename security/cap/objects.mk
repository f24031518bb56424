# SPDX-License-Identifier: MIT
obj-y += security/cap/check.o security/cap/table.o
