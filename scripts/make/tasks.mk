# SPDX-License-Identifier: MIT
# What people type besides building: run, test, look, clean.

.PHONY: help setup run debug iso disk test test-quick test-long bench check clean distclean tags host-tests fuzz verify

help:
	@scripts/make/help '$(ARCH)' '$(ARCHES)'

setup:
	$(Q)scripts/setup

# A package that the host lacks is installed first, and only then does the build look for it: these
# goals build in a second make.
.PHONY: ready
ready:
	$(Q)scripts/setup --quiet
build_all = $(Q)$(MAKE) all
vm = scripts/vm --arch $(ARCH) $(if $(BOARD),--board $(BOARD)) --out $(O)

run: ready
	$(build_all)
	$(Q)$(vm)

debug: ready
	$(build_all)
	$(Q)$(vm) --debug

iso: ready
	$(if $(filter x86_64,$(ARCH)),,$(error make iso: only x86_64 boots from an ISO))
	$(build_all)
	$(Q)scripts/vm --arch $(ARCH) --board q35-bios --out $(O) --write-iso $(O)/aegis.iso
	@echo '$(O)/aegis.iso'

disk: ready
	$(build_all)
	$(Q)scripts/mkdisk --arch $(ARCH) --out $(O)

test: ready
	$(Q)scripts/test

test-quick: ready
	$(Q)scripts/test --quick

test-long: ready
	$(Q)scripts/test --long

bench: ready
	$(build_all)
	$(Q)scripts/bench --arch $(ARCH) --out $(O)

host-tests fuzz: ready
	$(Q)$(MAKE) -f tests/host/host.mk O='$(O)' $@

verify: ready
	$(Q)TEST_LEVEL=long $(MAKE) -f tests/verify/verify.mk O='$(O)' verify

fuzz-%: ready
	$(Q)$(MAKE) -f tests/host/host.mk O='$(O)' $@

check:
	$(Q)scripts/check

tags:
	$(Q)git ls-files '*.[chS]' | xargs ctags

clean:
	$(Q)rm -rf $(O)

distclean:
	$(Q)rm -rf build tags compile_commands.json
