# SPDX-License-Identifier: MIT
obj-y += arch/x86_64/boot/head.o arch/x86_64/boot/boot.o arch/x86_64/boot/pvh.o \
	 arch/x86_64/boot/multiboot2.o arch/x86_64/boot/console.o
obj-y += arch/x86_64/cpu/cpu.o arch/x86_64/cpu/descriptors.o arch/x86_64/cpu/entry.o \
	 arch/x86_64/cpu/trap.o arch/x86_64/cpu/fpu.o arch/x86_64/cpu/thread.o \
	 arch/x86_64/cpu/signal.o arch/x86_64/cpu/regs.o \
	 arch/x86_64/cpu/ptrace.o arch/x86_64/cpu/debug.o \
	 arch/x86_64/cpu/backtrace.o arch/x86_64/cpu/power.o arch/x86_64/cpu/prctl.o arch/x86_64/cpu/show.o
obj-y += arch/x86_64/cpu/apic.o arch/x86_64/cpu/vector.o arch/x86_64/cpu/smp.o \
	 arch/x86_64/cpu/trampoline.o
obj-y += arch/x86_64/mm/mmu.o arch/x86_64/mm/tlb.o
obj-y += arch/x86_64/lib/copy_user.o arch/x86_64/lib/uaccess.o arch/x86_64/lib/string.o
obj-y += arch/x86_64/time/time.o arch/x86_64/time/timer.o
obj-$(CONFIG_KTEST) += arch/x86_64/cpu/regs_test.o
