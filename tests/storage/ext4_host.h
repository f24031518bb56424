/* SPDX-License-Identifier: MIT */
/*
 * The host tests of ext4: what their files share.
 */
#ifndef TESTS_STORAGE_EXT4_HOST_H
#define TESTS_STORAGE_EXT4_HOST_H

#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>

#include "shim.h"

/* A check that names its place; the test goes on to its end with the failure noted. */
#define CHECK(cond) check_that(cond, __FILE__, __LINE__, #cond)
bool check_that(bool ok, const char *file, int line, const char *what);
extern uint32_t checks_failed;

/* An image by mke2fs: kept by its options, so the second call is cheap.  Not to be changed. */
const void *made_image(const char *mke2fs_options, uint32_t kib, uint64_t *size);
/* 0: e2fsck -fn finds nothing. */
int run_e2fsck(const void *data, uint64_t size);
void fill_pattern(uint8_t *p, uint64_t len, uint64_t seed);

struct flavour { const char *name, *options; uint32_t kib; };
extern const struct flavour flavours[];
extern const unsigned int nr_flavours;
extern const struct flavour crash_flavours[];
extern const unsigned int nr_crash_flavours;

void test_crash_workload(const struct flavour *f);
void test_enumerate(const struct flavour *f);
void test_faults(const struct flavour *f);
void test_mutate(const struct flavour *f);
void test_journal_damage(const struct flavour *f);

#endif
