# SPDX-License-Identifier: MIT
# The file systems on the host, with ASan and UBSan: see README.md.
#	make -f tests/storage/storage.mk storage-tests

O		?= build/host-only
STORAGE_OUT	:= $(O)/storage
HOST_CC		?= gcc

STORAGE_FLAGS	:= -std=gnu17 -O1 -g -fno-omit-frame-pointer -fno-common -fno-builtin \
		   -fsanitize=address,undefined -fno-sanitize-recover=undefined \
		   -fno-sanitize=alignment -fno-pie \
		   -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
		   -Wimplicit-fallthrough -Wno-unused-parameter -Werror
STORAGE_CPP	:= -Iinclude -Iarch/x86_64/include -DLIB_HOST -DCONFIG_DEBUG_ASSERT=1 -DCONFIG_MAX_CPUS=1 -DCONFIG_BLOCK=1

storage-lib	:= lib/bitmap.c lib/crc32.c lib/printf.c lib/rbtree.c lib/refcount.c lib/sort.c lib/string.c
storage-fs	:= $(filter-out fs/ext4/vfs%.c,$(wildcard fs/ext4/*.c)) $(filter-out fs/jbd2/thread.c,$(wildcard fs/jbd2/*.c))
storage-shim	:= tests/storage/disk.c tests/storage/kernel.c tests/storage/vfs.c tests/storage/ext4_host.c \
		   tests/storage/ext4_crash.c tests/storage/ext4_mutate.c
storage-srcs	:= $(storage-lib) $(storage-fs) $(storage-shim)
storage-objs	:= $(patsubst %.c,$(STORAGE_OUT)/%.o,$(storage-srcs)) $(STORAGE_OUT)/tests/storage/libc.o

$(filter-out %/libc.o,$(storage-objs)): $(STORAGE_OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(HOST_CC) $(STORAGE_FLAGS) $(STORAGE_CPP) -include include/lib/host_rename.h -MMD -MP -c $< -o $@

$(STORAGE_OUT)/tests/storage/libc.o: tests/storage/libc.c
	@mkdir -p $(@D)
	$(HOST_CC) $(STORAGE_FLAGS) -MMD -MP -c $< -o $@

$(STORAGE_OUT)/ext4-host: $(storage-objs)
	$(HOST_CC) $(STORAGE_FLAGS) -no-pie $^ -o $@

-include $(storage-objs:.o=.d)

.PHONY: storage-tests
storage-tests: $(STORAGE_OUT)/ext4-host
	STORAGE_TMP=$(STORAGE_OUT) $< $(STORAGE_FILTER)
