# SPDX-License-Identifier: MIT
# Proofs by running: the capability core's whole state space, and its mutants.
#	make verify			the long form
#	make -f tests/verify/verify.mk verify-cap EXPLORE_STATES=100000

O		?= build/host-only
VERIFY_OUT	:= $(O)/verify
VERIFY_CC	?= gcc
VERIFY_FLAGS	:= -std=gnu17 -O2 -g -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
		   -Iinclude -Iarch/x86_64/include -I. -DLIB_HOST

$(VERIFY_OUT)/cap-explore: tests/verify/cap_explore.c security/cap/core.c security/cap/core.h \
			   include/security/cap_kinds.h
	@mkdir -p $(@D)
	$(VERIFY_CC) $(VERIFY_FLAGS) -DCAP_SLOTS=4u -o $@ $(filter %.c,$^)

EXPLORE_STATES	?= $(if $(filter long,$(TEST_LEVEL)),2000000,50000)

.PHONY: verify-cap verify-mutants verify
verify: verify-cap verify-mutants
verify-mutants:
	tests/verify/mutate.py --out $(VERIFY_OUT)/mutants
verify-cap: $(VERIFY_OUT)/cap-explore
	$< $(EXPLORE_STATES)
