# SPDX-License-Identifier: MIT
obj-y += kernel/syscall/syscall.o generated/syscall_table.o
