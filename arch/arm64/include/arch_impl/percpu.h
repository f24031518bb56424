/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU variables are reached through arch_percpu_offset() alone: nothing to add to
 * <kernel/percpu.h>.
 */
#ifndef ARCH_IMPL_PERCPU_H
#define ARCH_IMPL_PERCPU_H

#include <arch_impl/cpu.h>

#endif
