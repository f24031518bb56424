# SPDX-License-Identifier: MIT
# Flags of the arm64 port. Nothing in the kernel uses FP or SIMD registers but the code that switches them.

arch_cflags := -march=armv8-a -mgeneral-regs-only -mcmodel=small -mstrict-align -mno-outline-atomics \
	-mbranch-protection=none
ifeq ($(LLVM),1)
arch_cflags += --target=aarch64-linux-gnu

endif
arch_ldflags := -m aarch64linux -no-pie -z max-page-size=4096
arch_images := $(O)/Image

$(O)/Image: $(O)/kernel.elf
	$(call say,IMAGE,$@)
	$(Q)$(OBJCOPY) -O binary $< $@

include arch/$(ARCH)/vdso/vdso.mk
