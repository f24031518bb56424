# SPDX-License-Identifier: MIT
#
# Aegis builds from here.  `make help` is the first page of documentation.
#
# The build is not recursive: every source folder's objects.mk adds to obj-y (or
# obj-$(CONFIG_X)), and one dependency graph covers the kernel.  All output goes to $(O).

MAKEFLAGS += --no-builtin-rules --no-builtin-variables --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:

ARCHES := $(patsubst arch/%/arch.mk,%,$(wildcard arch/*/arch.mk))
ARCH ?= x86_64
ifeq ($(wildcard arch/$(ARCH)/arch.mk),)
$(error ARCH=$(ARCH) is not known; choose one of: $(ARCHES))
endif

ifdef BOARD
ifeq ($(wildcard arch/$(ARCH)/boards/$(BOARD)/board.toml),)
$(error BOARD=$(BOARD) is not known for ARCH=$(ARCH); choose one of: $(notdir $(patsubst %/board.toml,%,$(wildcard arch/$(ARCH)/boards/*/board.toml))))
endif
endif

O ?= build/$(ARCH)
override O := $(patsubst %/,%,$(O))
CACHE := $(or $(AEGIS_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/aegis)
PYTHON := /usr/bin/python3
export ARCH BOARD O CROSS_COMPILE LLVM

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),@:,@printf '  %-7s %s\n' '$(1)' '$(2)')

.PHONY: all
all: kernel initramfs

include scripts/make/config.mk

# What these goals do needs no configuration and no compiler.
bare_goals := help clean distclean setup ready check menuconfig defconfig olddefconfig savedefconfig listnewconfig \
	%_defconfig run debug iso disk test test-quick test-long bench host-tests fuzz fuzz-% verify tags
ifneq ($(filter-out $(bare_goals),$(or $(MAKECMDGOALS),all)),)
include scripts/make/kernel.mk
-include usr/usr.mk
endif

include scripts/make/tasks.mk
