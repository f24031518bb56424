# SPDX-License-Identifier: MIT
# Configuration: Kconfig files through kconfiglib.  $(O)/.config is the user's; the header and
# the makefile form are derived from it whenever it changes.

export KCONFIG_CONFIG := $(O)/.config
export CONFIG_ := CONFIG_
export srctree := $(CURDIR)
generated := $(O)/include/generated
kconfig_files := $(shell find . -path ./build -prune -o -name Kconfig -print 2>/dev/null)

default_board := $(if $(BOARD),arch/$(ARCH)/boards/$(BOARD)/defconfig)
kconfig = $(PYTHON) scripts/kconfig

.PHONY: menuconfig defconfig olddefconfig savedefconfig listnewconfig
menuconfig defconfig olddefconfig savedefconfig listnewconfig:
	$(Q)mkdir -p $(O)
	$(Q)$(kconfig) $@ $(default_board)

# A fragment by name: a configuration of the architecture or of one of its boards.
%_defconfig:
	$(Q)mkdir -p $(O)
	$(Q)$(kconfig) fragment $*

$(O)/.config:
	$(Q)mkdir -p $(O)
	$(Q)$(kconfig) defconfig $(default_board)

$(O)/auto.conf: $(O)/.config $(kconfig_files) scripts/kconfig
	$(Q)mkdir -p $(generated)
	$(Q)$(kconfig) generate $(generated)/autoconf.h $@
