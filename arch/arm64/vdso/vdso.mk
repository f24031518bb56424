# SPDX-License-Identifier: MIT
# The vDSO: compiled for user mode, linked as a shared object, embedded by vdso_image.S.

vdso_cflags = -std=gnu17 -O2 -fPIC -ffreestanding -nostdinc -fno-stack-protector -fno-common -fno-builtin \
	-fasynchronous-unwind-tables -fvisibility=hidden -ffile-prefix-map=$(CURDIR)/= -march=armv8-a \
	-mbranch-protection=none -isystem $(shell $(CC) -print-file-name=include) -I include \
	$(if $(filter 1,$(LLVM)),--target=aarch64-linux-gnu)
vdso_objects := $(O)/arch/arm64/vdso/vdso.vo $(O)/arch/arm64/vdso/sigreturn.vo

$(O)/arch/arm64/vdso/%.vo: arch/arm64/vdso/%.c arch/arm64/vdso/vdso.mk
	$(call say,VDSO,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(vdso_cflags) $(warnings) -Wno-pedantic -MMD -MP -MF $@.d -MT $@ -c -o $@ $<
$(O)/arch/arm64/vdso/%.vo: arch/arm64/vdso/%.S arch/arm64/vdso/vdso.mk
	$(call say,VDSO,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(vdso_cflags) -c -o $@ $<

$(O)/arch/arm64/vdso/vdso.so: $(vdso_objects) arch/arm64/vdso/vdso.lds
	$(Q)$(LD) -m aarch64linux -shared -soname linux-vdso.so.1 --hash-style=both --build-id=none -Bsymbolic \
		--eh-frame-hdr -z noexecstack -z max-page-size=4096 --no-undefined \
		-T arch/arm64/vdso/vdso.lds -o $@ $(vdso_objects)

$(O)/include/generated/vdso-offsets.h: $(O)/arch/arm64/vdso/vdso.so
	$(Q)mkdir -p $(@D)
	$(Q)$(NM) $< | awk '/ __kernel_rt_sigreturn$$/ { print "#define VDSO_RT_SIGRETURN 0x" $$1 "UL" }' > $@

$(O)/arch/arm64/kernel/signal.o: $(O)/include/generated/vdso-offsets.h
$(O)/arch/arm64/vdso/vdso_image.o: $(O)/arch/arm64/vdso/vdso.so

-include $(vdso_objects:=.d)
cflags-arch/arm64/vdso/vdso_image.o := -DVDSO_FILE='"$(O)/arch/arm64/vdso/vdso.so"'
