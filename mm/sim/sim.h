/* SPDX-License-Identifier: MIT */
/* Host simulation of memory management: what the machine offers the test. */
#pragma once

#include <mm/aspace.h>

void sim_init(uint64_t ram_bytes);
void *sim_user(struct aspace *as, uint64_t addr, enum fault_access access);
extern int sim_last_signal;
