# SPDX-License-Identifier: MIT
# Userland for one architecture: third-party recipes, our own programs, the initramfs.
# Included by the top Makefile; works alone too:
#
#	make -f usr/usr.mk ARCH=arm64 O=build/arm64 userland
#
# Takes ARCH, O, CROSS_COMPILE, V. Gives, for tests and benchmarks:
#	$(AEGIS_CC)	compiler wrapper: -static, -static-pie, else a dynamic PIE
#	$(SYSROOT)	musl's sysroot (usr/include, usr/lib, lib/ld-musl-*.so.1)
#	$(INITRAMFS)	the default image, uncompressed
#	usr-program	$(eval $(call usr-program,sbin/name,sources,flags)) makes $(O)/usr/sbin/name
# A folder usr/NAME with a program.mk is included; its file `manifest` joins the image.

ARCH ?= x86_64
O ?= build/$(ARCH)
ifeq ($(filter $(ARCH),x86_64 arm64),)
$(error unknown ARCH $(ARCH) (known: x86_64 arm64))
endif
ifeq ($(firstword $(MAKEFILE_LIST)),usr/usr.mk)
.DEFAULT_GOAL := userland
endif

SYSROOT := $(O)/usr/musl
AEGIS_CC := $(O)/usr/bin/aegis-cc
INITRAMFS := $(O)/initramfs.cpio

usr-q := $(if $(filter 1,$(V)),,@)
usr-say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' $(1) $(2))
usr-abs-o := $(abspath $(O))

# --- third-party recipes: a link to the result in the cache, and a stamp --------------

usr-recipes := musl toybox dash awk
usr-pins := usr/third-party/pins.tsv

# $(1): recipe. The link $(O)/usr/$(1) leads to the result.
define usr-recipe
$(O)/usr/.$(1): $(wildcard usr/third-party/$(1)/*) usr/third-party/build $(usr-pins)
	$(usr-q)mkdir -p $(O)/usr/bin
	$(usr-q)dir=$$$$(CROSS_COMPILE='$(CROSS_COMPILE)' usr/third-party/build $(1) $(ARCH)) && \
		ln -sfnT "$$$$dir" $(O)/usr/$(1) && touch $$@
endef
$(foreach r,$(usr-recipes),$(eval $(call usr-recipe,$(r))))
$(patsubst %,$(O)/usr/.%,$(filter-out musl,$(usr-recipes))): $(O)/usr/.musl

# A result that was swept out of the cache is made again.
usr-lost := $(foreach r,$(usr-recipes),$(if $(wildcard $(O)/usr/$(r)/.),,$(O)/usr/.$(r)))
ifneq ($(usr-lost),)
$(usr-lost): usr-force
endif

$(AEGIS_CC): $(O)/usr/.musl
	$(usr-q)ln -sfnT ../musl/bin/aegis-cc $@

# --- our own programs -----------------------------------------------------------------

USR_CFLAGS := -std=gnu17 -Os -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Wimplicit-fallthrough -Werror -ffunction-sections -fdata-sections \
	-fno-asynchronous-unwind-tables -ffile-prefix-map=$(CURDIR)=.
USR_LDFLAGS := -static -s -Wl,--gc-sections -Wl,-z,noseparate-code

usr-programs :=

# $(1): path below $(O)/usr   $(2): C sources   $(3): more flags
define usr-program
usr-programs += $(O)/usr/$(1)
$(O)/usr/$(1): $(patsubst %.c,$(O)/usr/obj/%.o,$(2))
	$(call usr-say,USRLD,$(1))
	$(usr-q)mkdir -p $$(@D)
	$(usr-q)$(AEGIS_CC) $(USR_LDFLAGS) $(3) -o $$@ $$^
endef

$(O)/usr/obj/%.o: %.c $(AEGIS_CC)
	$(call usr-say,USRCC,$<)
	$(usr-q)mkdir -p $(@D)
	$(usr-q)$(AEGIS_CC) $(USR_CFLAGS) -Iinclude -MMD -MP -c -o $@ $<

include $(sort $(wildcard usr/*/program.mk))
-include $(wildcard $(O)/usr/obj/usr/*/*.d)

# --- the image ------------------------------------------------------------------------

usr-manifests := usr/rootfs/manifest $(sort $(filter-out usr/rootfs/%,$(wildcard usr/*/manifest)))
usr-rootfs := $(wildcard usr/rootfs/*/*)

$(INITRAMFS): $(usr-manifests) $(usr-rootfs) $(usr-programs) scripts/mkinitramfs \
		$(patsubst %,$(O)/usr/.%,$(filter-out musl,$(usr-recipes)))
	$(call usr-say,CPIO,$@)
	$(usr-q)scripts/mkinitramfs --define O=$(usr-abs-o) \
		$(patsubst %,--manifest %,$(usr-manifests)) --output $@

.PHONY: userland sysroot initramfs usr-force
userland: $(INITRAMFS) $(AEGIS_CC)
sysroot: $(AEGIS_CC)
initramfs: $(INITRAMFS)
