/* SPDX-License-Identifier: MIT */
/*
 * The page of clock data that the vDSO reads in user mode: shared by the kernel's clock code
 * and the vDSO sources of each port, so it uses nothing but fixed-width types.
 *
 *	do {
 *		seq = load-acquire(data.seq)
 *		ns = base_ns[clock] + (((counter - base_counter) & mask) * mult >> shift)
 *		load fence
 *	} while (data.seq != (seq & ~1))	(an odd seq: a writer is at work)
 *
 * A negative ns: make the system call.  So does every clock that user mode cannot compute, whose
 * base_ns is VDSO_NO_CLOCK: the reader needs no other test, neither for the clock nor for the
 * counter.
 */
#ifndef KERNEL_VDSO_DATA_H
#define KERNEL_VDSO_DATA_H

#include <stdint.h>

#define VDSO_CLOCKS	8
#define VDSO_NO_CLOCK	INT64_MIN

/* What the kernel publishes.  mode 0: user mode cannot read the counter. */
struct vdso_clock {
	uint32_t mode;
	uint32_t mult, shift;
	uint64_t mask;
	uint64_t base_counter;
	int64_t base_ns;
	int64_t realtime_offset_ns;
};

struct vdso_data {
	uint32_t seq;
	uint32_t mult, shift;
	uint32_t pad;
	uint64_t mask;
	uint64_t base_counter;
	int64_t base_ns[VDSO_CLOCKS];	/* by clock number */
};

/* Kernel side: one page, mapped read-only before each vDSO image. */
extern struct vdso_data *vdso_data_page(void);
void vdso_data_publish(const struct vdso_clock *clock);

/* The port's vDSO: a page-aligned ELF image. */
extern const char vdso_image_start[], vdso_image_end[];

#endif
