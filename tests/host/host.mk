# SPDX-License-Identifier: MIT
# Unit tests of lib on the host, with ASan and UBSan. Included by the top Makefile; also works alone:
#	make -f tests/host/host.mk host-tests
# Another folder adds its own freestanding sources and tests to host-test-srcs.

O		?= build/host-only
HOST_OUT	:= $(O)/host
HOST_CC		?= gcc

include lib/third-party/sources.mk

HOST_WARN	:= -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
		   -Wimplicit-fallthrough -Werror
HOST_CPPFLAGS	:= -Iinclude -Iarch/x86_64/include -DLIB_HOST -DCONFIG_DEBUG_ASSERT=1 \
		   -DCONFIG_LIBFDT=1 -DCONFIG_INITRAMFS_GZIP=1 -DCONFIG_INITRAMFS_ZSTD=1
HOST_CFLAGS	:= -std=gnu17 -O1 -g -fno-omit-frame-pointer -fno-common -fno-builtin \
		   -fsanitize=address,undefined -fno-sanitize-recover=undefined $(HOST_WARN)
# The code under test takes its own names where the C library has the same ones.
HOST_RENAME	:= -include include/lib/host_rename.h

host-test-srcs	+= $(wildcard lib/*.c lib/third-party/*.c)
# Pure code of other folders.
host-pure-srcs	:= drivers/block/part_gpt.c drivers/block/part_mbr.c drivers/pci/assign.c security/cap/core.c
host-test-srcs	+= $(host-pure-srcs) drivers/block/parts_test.c drivers/pci/assign_test.c
host-test-srcs	+= security/cap/core_test.c
host-test-objs	:= $(patsubst %.c,$(HOST_OUT)/%.o,$(sort $(host-test-srcs)))

$(host-test-objs): $(HOST_OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(HOST_CC) $(HOST_CFLAGS) $(HOST_CPPFLAGS) $(HOST_RENAME) $(host-third-party) -MMD -MP -c $< -o $@

# UBSan stays on our side of the border; ASan watches both.
host-third-party = $(if $(filter lib/third-party/%,$<),$(third-party-flags)) \
	$(if $(filter %fdt.c,$<),-Ilib/third-party/include $(libfdt-flags)) \
	$(if $(findstring zlib,$<)$(filter %gunzip.c,$<),-Ilib/third-party/include $(zlib-flags)) \
	$(if $(filter %zstd.c,$<),-Ilib/third-party/include $(zstd-flags))
$(host-test-objs): | $(addprefix $(O)/third-party/.,libfdt zlib zstd)

$(HOST_OUT)/tests/host/main.o: tests/host/main.c
	@mkdir -p $(@D)
	$(HOST_CC) $(HOST_CFLAGS) $(HOST_CPPFLAGS) -MMD -MP -c $< -o $@

$(HOST_OUT)/host-tests: $(host-test-objs) $(HOST_OUT)/tests/host/main.o
	$(HOST_CC) $(HOST_CFLAGS) $^ -o $@

-include $(host-test-objs:.o=.d) $(HOST_OUT)/tests/host/main.d

.PHONY: host-tests
host-tests: $(HOST_OUT)/host-tests
	ASAN_OPTIONS=detect_stack_use_after_return=1 $< $(HOST_FILTER)

include tests/fuzz/fuzz.mk
