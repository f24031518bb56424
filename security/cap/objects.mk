# SPDX-License-Identifier: MIT
obj-y += security/cap/check.o security/cap/core.o security/cap/table.o
obj-$(CONFIG_KTEST) += security/cap/core_test.o
