/* SPDX-License-Identifier: MIT */
#include "ext4_host.h"
void test_mutate(const struct flavour *f) { (void)f; }
void test_journal_damage(const struct flavour *f) { (void)f; }
