/* SPDX-License-Identifier: MIT */
/* placeholder until the workloads are written */
#include "ext4_host.h"
void test_crash_workload(const struct flavour *f) { (void)f; }
void test_enumerate(const struct flavour *f) { (void)f; }
void test_faults(const struct flavour *f) { (void)f; }
