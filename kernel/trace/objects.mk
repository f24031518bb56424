# SPDX-License-Identifier: MIT
obj-$(CONFIG_SYSTRACE) += kernel/trace/systrace.o kernel/trace/decode.o generated/syscall_decode.o
