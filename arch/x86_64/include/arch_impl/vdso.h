/* SPDX-License-Identifier: MIT */
/*
 * vdso_clock.mode of this port.
 */
#ifndef ARCH_IMPL_VDSO_H
#define ARCH_IMPL_VDSO_H

#define X86_VDSO_TSC	1		/* the counter is RDTSC */

#endif
