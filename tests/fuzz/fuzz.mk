# SPDX-License-Identifier: MIT
# Fuzz targets of lib (libFuzzer, ASan, UBSan), included by tests/host/host.mk:
#	make fuzz				every target for FUZZ_SECONDS, 30 unless told
#	make fuzz-NAME FUZZ_SECONDS=600		one target; findings stay in $(O)/fuzz/NAME

FUZZ_CC		?= clang
FUZZ_SECONDS	?= 30
FUZZ_OUT	:= $(O)/fuzz
FUZZ_CFLAGS	:= -std=gnu17 -O1 -g -fno-omit-frame-pointer -fno-common -fno-builtin \
		   -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined $(HOST_WARN)

fuzz-targets	:= $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz-lib-srcs	:= $(filter-out %_test.c lib/ktest.c,$(wildcard lib/*.c lib/third-party/*.c))
fuzz-lib-objs	:= $(patsubst %.c,$(FUZZ_OUT)/%.o,$(fuzz-lib-srcs) $(host-pure-srcs) tests/fuzz/panic.c)

$(FUZZ_OUT)/%.o: %.c | $(addprefix $(O)/third-party/.,libfdt zlib zstd)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) $(HOST_CPPFLAGS) $(HOST_RENAME) $(host-third-party) -MMD -MP -c $< -o $@

$(FUZZ_OUT)/fuzz-%: $(FUZZ_OUT)/tests/fuzz/fuzz_%.o $(fuzz-lib-objs)
	$(FUZZ_CC) $(FUZZ_CFLAGS) $^ -o $@

-include $(fuzz-lib-objs:.o=.d)

.PHONY: fuzz $(addprefix fuzz-,$(fuzz-targets))
fuzz: $(addprefix fuzz-,$(fuzz-targets))
$(addprefix fuzz-,$(fuzz-targets)): fuzz-%: $(FUZZ_OUT)/fuzz-%
	@mkdir -p $(FUZZ_OUT)/$*
	cd $(FUZZ_OUT)/$* && $(abspath $<) -max_total_time=$(FUZZ_SECONDS) -timeout=10 \
		-print_final_stats=0 -verbosity=0 . $(wildcard $(abspath tests/fuzz/corpus/$*))
