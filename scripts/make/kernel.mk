# SPDX-License-Identifier: MIT
# The kernel: flags, rules and the link.

include $(O)/auto.conf

cross_x86_64 := x86_64-linux-gnu-
cross_arm64 := aarch64-linux-gnu-
arch_machine_x86_64 := x86_64
arch_machine_arm64 := aarch64
ifeq ($(LLVM),1)
CC := clang
LD := ld.lld
OBJCOPY := llvm-objcopy-14
NM := llvm-nm-14
AR := llvm-ar-14
else
# The machine's own compiler serves its own architecture; others take the usual cross prefix.
ifndef CROSS_COMPILE
CROSS_COMPILE := $(if $(filter $(shell uname -m),$(arch_machine_$(ARCH))),,$(cross_$(ARCH)))
endif
CC := $(CROSS_COMPILE)gcc
LD := $(CROSS_COMPILE)ld
OBJCOPY := $(CROSS_COMPILE)objcopy
NM := $(CROSS_COMPILE)nm
AR := $(CROSS_COMPILE)ar
endif
ifeq ($(shell command -v $(CC) 2>/dev/null),)
$(error $(CC) is not installed; run scripts/setup)
endif

warnings := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wimplicit-fallthrough -Wframe-larger-than=1024 -Wno-unused-parameter
# The checks' own code makes frames larger and confuses the range analysis.
warnings += $(if $(CONFIG_UBSAN),-Wframe-larger-than=2048 -Wno-array-bounds)

KFLAGS := -std=gnu17 -ffreestanding -nostdinc -fno-strict-aliasing -fno-common -fwrapv -fno-pic -fno-pie \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fno-delete-null-pointer-checks \
	-ffunction-sections -fdata-sections \
	-ffile-prefix-map=$(CURDIR)=. -ffile-prefix-map=$(O)=build -gno-record-gcc-switches -D__KERNEL__ \
	-isystem $(shell $(CC) -print-file-name=include) \
	-I include -I arch/$(ARCH)/include -I $(O)/include -include $(generated)/autoconf.h
ifeq ($(LLVM),1)
KFLAGS := $(filter-out -gno-record-gcc-switches,$(KFLAGS)) -Wno-gnu-variable-sized-type-not-at-end -Wno-unknown-warning-option
endif
KFLAGS += $(if $(CONFIG_OPTIMIZE_SIZE),-Os,-O2)
KFLAGS += $(if $(CONFIG_DEBUG_INFO),-g)
KFLAGS += $(if $(CONFIG_FRAME_POINTER),-fno-omit-frame-pointer -fno-optimize-sibling-calls)
KFLAGS += $(if $(CONFIG_UBSAN),-fsanitize=undefined -fno-sanitize=alignment,)
KLDFLAGS := -static -nostdlib --build-id=none -z noexecstack --gc-sections --orphan-handling=warn

include arch/$(ARCH)/arch.mk

obj-y :=
include $(sort $(wildcard arch/$(ARCH)/objects.mk arch/$(ARCH)/*/objects.mk kernel/objects.mk kernel/*/objects.mk \
	mm/objects.mk lib/objects.mk lib/*/objects.mk drivers/objects.mk drivers/*/objects.mk \
	fs/objects.mk fs/*/objects.mk net/objects.mk net/*/objects.mk security/objects.mk security/*/objects.mk))

objects := $(addprefix $(O)/,$(sort $(obj-y)))
generated_headers := $(generated)/autoconf.h $(generated)/asm-offsets.h \
	$(generated)/syscall_nr.h $(generated)/syscall_protos.h $(generated)/cap_classes.h

$(generated)/autoconf.h: $(O)/auto.conf
	@:

# One run of the generator writes all of its files; the stamp stands for them.
gen_syscalls := scripts/gen-syscalls
syscall_inputs := $(gen_syscalls) $(wildcard scripts/syscalls/*.py kernel/syscall/*.tbl) include/uapi/errno.h
$(O)/generated/.syscalls: $(syscall_inputs)
	$(call say,GEN,system calls)
	$(Q)mkdir -p $(generated) $(O)/generated
	$(Q)$(PYTHON) $(gen_syscalls) --arch $(ARCH) --out $(O)
	$(Q)touch $@
$(generated)/syscall_nr.h $(generated)/syscall_protos.h $(generated)/cap_classes.h $(O)/generated/syscall_table.c $(O)/generated/syscall_decode.c: \
		$(O)/generated/.syscalls
	@:

# Offsets of C structures for assembly: compiled, then read out of the assembly text.
$(O)/arch/asm-offsets.s: arch/$(ARCH)/asm-offsets.c $(generated)/autoconf.h $(generated)/syscall_nr.h
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(KFLAGS) $(arch_cflags) $(warnings) -MMD -MP -MF $@.d -MT $@ -S -o $@ $<
$(generated)/asm-offsets.h: $(O)/arch/asm-offsets.s scripts/asm-offsets
	$(Q)$(PYTHON) scripts/asm-offsets $< $@

compile = $(CC) $(KFLAGS) $(arch_cflags) $(cflags-$(patsubst $(O)/%,%,$@)) -MMD -MP -MF $@.d

$(O)/%.o: %.c $(O)/.flags | $(generated_headers)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(compile) $(warnings) -c -o $@ $<
$(O)/%.o: %.S $(O)/.flags | $(generated_headers)
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(compile) -D__ASSEMBLY__ -c -o $@ $<
$(O)/generated/%.o: $(O)/generated/%.c $(O)/.flags | $(generated_headers)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(compile) $(warnings) -c -o $@ $<

# Rebuild everything when the compiler or the flags change, and only then.
flags_now := $(CC) $(shell $(CC) -dumpfullversion 2>/dev/null) $(KFLAGS) $(arch_cflags) $(warnings) \
	$(foreach v,$(sort $(filter cflags-%,$(.VARIABLES))),$(v)=$(subst ',,$($(v))))
ifneq ($(shell cat $(O)/.flags 2>/dev/null),$(strip $(flags_now)))
$(shell mkdir -p $(O) && echo '$(strip $(flags_now))' > $(O)/.flags)
endif

$(O)/kernel.lds: arch/$(ARCH)/kernel.lds.S $(generated)/autoconf.h $(generated)/asm-offsets.h
	$(Q)$(CC) $(KFLAGS) $(arch_cflags) -D__ASSEMBLY__ -E -P -x assembler-with-cpp -MMD -MP -MF $@.d -MT $@ -o $@ $<

# Two links: the first gives the addresses for the symbol table, the second holds it.  The table
# has a section of its own at the end of .rodata, sized the same in both passes.
link = $(LD) $(KLDFLAGS) $(arch_ldflags) -T $(O)/kernel.lds -o $@ $(objects)
$(O)/kernel.pass1: $(objects) $(O)/kernel.lds scripts/kallsyms
	$(Q)$(PYTHON) scripts/kallsyms --empty $(O)/generated/kallsyms0.S
	$(Q)$(CC) $(KFLAGS) $(arch_cflags) -D__ASSEMBLY__ -c -o $(O)/generated/kallsyms0.o $(O)/generated/kallsyms0.S
	$(Q)$(link) $(O)/generated/kallsyms0.o
$(O)/generated/kallsyms.o: $(O)/kernel.pass1
	$(Q)$(NM) -n $< | $(PYTHON) scripts/kallsyms $(O)/generated/kallsyms1.S
	$(Q)$(CC) $(KFLAGS) $(arch_cflags) -D__ASSEMBLY__ -c -o $(O)/generated/kallsyms1.o $(O)/generated/kallsyms1.S
	$(Q)$(LD) $(KLDFLAGS) $(arch_ldflags) -T $(O)/kernel.lds -o $(O)/kernel.pass2 $(objects) $(O)/generated/kallsyms1.o
	$(Q)$(NM) -n $(O)/kernel.pass2 | $(PYTHON) scripts/kallsyms $(O)/generated/kallsyms.S
	$(Q)$(CC) $(KFLAGS) $(arch_cflags) -D__ASSEMBLY__ -c -o $@ $(O)/generated/kallsyms.S
$(O)/kernel.elf: $(O)/generated/kallsyms.o
	$(call say,LINK,$@)
	$(Q)$(link) $(O)/generated/kallsyms.o

.PHONY: kernel
kernel: $(O)/kernel.elf $(arch_images)

-include $(objects:=.d) $(O)/kernel.lds.d $(O)/arch/asm-offsets.s.d

.PHONY: compile_commands.json
compile_commands.json:
	$(Q)$(PYTHON) scripts/compile-commands $(O) '$(CC) $(KFLAGS) $(arch_cflags) $(warnings)' $(obj-y) > $@
