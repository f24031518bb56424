# SPDX-License-Identifier: MIT
obj-y += lib/bitmap.o lib/blake2s.o lib/chacha20.o lib/cmdline.o lib/cpio.o lib/crc32.o
obj-y += lib/decompress.o lib/elf.o lib/hash.o lib/heap.o lib/idmap.o lib/map.o lib/parse.o lib/printf.o
obj-y += lib/rbtree.o lib/refcount.o lib/ringbuf.o lib/sha256.o lib/sort.o lib/string.o lib/utf8.o
obj-$(CONFIG_KTEST) += lib/ktest.o $(patsubst %.c,%.o,$(filter-out lib/fdt_test.c lib/decompress_test.c,$(wildcard lib/*_test.c)))
