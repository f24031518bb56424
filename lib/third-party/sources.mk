# SPDX-License-Identifier: MIT
# Flags for third-party sources, and how their trees come to be below $(O)/third-party. Shared by the
# kernel's objects.mk and the host tests.

ifndef third-party-flags
third-party-flags := -w -fno-sanitize=undefined -Ilib/third-party/include
libfdt-flags := -isystem $(O)/third-party/libfdt/libfdt
zlib-flags := -isystem $(O)/third-party/zlib -DZ_SOLO -DZLIB_CONST -DNO_GZIP -DHAVE_MEMCPY
zstd-flags := -isystem $(O)/third-party/zstd/lib -isystem $(O)/third-party/zstd/lib/common

$(O)/third-party/.%: usr/third-party/pins.tsv scripts/fetch
	$(Q)mkdir -p $(@D)
	$(Q)dir=$$(scripts/fetch --source $*) && ln -sfn "$$dir" $(@D)/$* && touch $@
endif
