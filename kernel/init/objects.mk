# SPDX-License-Identifier: MIT
obj-y += kernel/init/main.o kernel/init/args.o kernel/init/smp.o kernel/init/panic.o kernel/init/symbols.o \
	kernel/init/extable.o kernel/init/percpu.o kernel/init/banner.o
obj-$(CONFIG_KTEST) += kernel/init/ktest.o
obj-$(CONFIG_UBSAN) += kernel/init/ubsan.o
cflags-kernel/init/ubsan.o := -fno-sanitize=undefined
