# SPDX-License-Identifier: MIT
# Third-party libraries and the wrappers that see their headers. Each file here includes the sources
# it needs from a tree that scripts/fetch unpacks into the cache. Their warnings are theirs (-w).

include lib/third-party/sources.mk

zlib-objs := lib/third-party/zlib_infback.o lib/third-party/zlib_inffast.o \
	lib/third-party/zlib_inftrees.o

obj-$(CONFIG_LIBFDT) += lib/third-party/libfdt.o lib/fdt.o
obj-$(CONFIG_INITRAMFS_GZIP) += $(zlib-objs) lib/gunzip.o
obj-$(CONFIG_INITRAMFS_ZSTD) += lib/third-party/zstd.o lib/unzstd.o

$(foreach o,$(zlib-objs),$(eval cflags-$(o) := $(third-party-flags) $(zlib-flags)))
cflags-lib/third-party/libfdt.o := $(third-party-flags) $(libfdt-flags)
cflags-lib/third-party/zstd.o := $(third-party-flags) $(zstd-flags)
cflags-lib/fdt.o := -Ilib/third-party/include $(libfdt-flags)
cflags-lib/gunzip.o := -Ilib/third-party/include $(zlib-flags)
cflags-lib/unzstd.o := -Ilib/third-party/include $(zstd-flags)

$(O)/lib/third-party/libfdt.o $(O)/lib/fdt.o: $(O)/third-party/.libfdt
$(addprefix $(O)/,$(zlib-objs)) $(O)/lib/gunzip.o: $(O)/third-party/.zlib
$(O)/lib/third-party/zstd.o $(O)/lib/unzstd.o: $(O)/third-party/.zstd

obj-$(if $(CONFIG_KTEST),$(CONFIG_LIBFDT)) += lib/fdt_test.o
obj-$(if $(CONFIG_KTEST),$(and $(CONFIG_INITRAMFS_GZIP),$(CONFIG_INITRAMFS_ZSTD))) += lib/decompress_test.o
