# SPDX-License-Identifier: MIT
obj-y += arch/arm64/boot/head.o arch/arm64/boot/boot.o arch/arm64/boot/console.o
obj-y += arch/arm64/kernel/entry.o arch/arm64/kernel/traps.o arch/arm64/kernel/cpufeature.o \
	 arch/arm64/kernel/thread.o arch/arm64/kernel/regs.o arch/arm64/kernel/signal.o arch/arm64/kernel/ptrace.o \
	 arch/arm64/kernel/time.o arch/arm64/kernel/cpu.o
obj-y += arch/arm64/mm/mmu.o arch/arm64/mm/tlb.o
obj-y += arch/arm64/lib/memcpy.o arch/arm64/lib/memset.o arch/arm64/lib/uaccess.o
obj-y += arch/arm64/vdso/vdso_image.o
obj-$(CONFIG_KTEST) += arch/arm64/kernel/arm64_test.o
