# SPDX-License-Identifier: MIT
# Flags of the x86_64 port.  Nothing in the kernel uses SSE, so nothing needs 16-byte stack alignment.

arch_cflags := -m64 -march=x86-64 -mcmodel=kernel -mno-red-zone -mgeneral-regs-only \
	-fcf-protection=none $(if $(filter 1,$(LLVM)),-mstack-alignment=8,-mpreferred-stack-boundary=3)
ifeq ($(LLVM),1)
arch_cflags += --target=x86_64-linux-gnu
endif
arch_ldflags := -m elf_x86_64 -no-pie -z max-page-size=4096
arch_images :=
