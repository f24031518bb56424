# SPDX-License-Identifier: MIT
# The vDSO is linked on its own, for user mode, and included as bytes.

vdso_dir := arch/x86_64/vdso
obj-y += $(vdso_dir)/vdso_image.o
cflags-$(vdso_dir)/vdso_image.o := -DVDSO_SO='"$(O)/$(vdso_dir)/vdso.so"'

vdso_cflags := -std=gnu17 -ffreestanding -nostdinc -isystem $(shell $(CC) -print-file-name=include) \
	-O2 -fPIC -fvisibility=hidden -m64 -march=x86-64 -mno-mmx -mno-sse -fcf-protection=none \
	-fno-stack-protector -fasynchronous-unwind-tables -ffile-prefix-map=$(CURDIR)/= \
	$(if $(filter 1,$(LLVM)),--target=x86_64-linux-gnu) -I include -I arch/x86_64/include
vdso_warnings := -Wall -Wextra -Werror -Wshadow

$(O)/$(vdso_dir)/vdso.o: $(vdso_dir)/vdso.c $(O)/.flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(vdso_cflags) $(vdso_warnings) -MMD -MP -MF $@.d -c -o $@ $<

$(O)/$(vdso_dir)/vdso.so: $(O)/$(vdso_dir)/vdso.o $(vdso_dir)/vdso.lds
	$(call say,VDSO,$@)
	$(Q)$(LD) -m elf_x86_64 -shared -Bsymbolic --hash-style=both --build-id=none --eh-frame-hdr \
		-soname linux-vdso.so.1 -z max-page-size=4096 -z noexecstack -z text -T $(vdso_dir)/vdso.lds -o $@ $<
	$(Q)$(OBJCOPY) --strip-unneeded $@

$(O)/$(vdso_dir)/vdso_image.o: $(O)/$(vdso_dir)/vdso.so
-include $(O)/$(vdso_dir)/vdso.o.d
