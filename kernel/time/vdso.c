/* SPDX-License-Identifier: MIT */
/* The kernel's side of the vDSO data page. */
#include <arch/mmu.h>
#include <kernel/vdso_data.h>
#include <lib/compiler.h>
#include <uapi/time.h>

static union {
	struct vdso_data data;
	char page[PAGE_SIZE];
} vdso_page __aligned(4096);

struct vdso_data *vdso_data_page(void)
{
	return &vdso_page.data;
}

/* CLOCK_MONOTONIC and CLOCK_BOOTTIME are the same: the machine does not suspend. */
static int64_t base_of(const struct vdso_clock *c, int clock)
{
	if (!c->mode)
		return VDSO_NO_CLOCK;
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		return c->base_ns + c->realtime_offset_ns;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		return c->base_ns;
	}
	return VDSO_NO_CLOCK;
}

/* The clock's writer lock is held: one writer. */
void vdso_data_publish(const struct vdso_clock *clock)
{
	struct vdso_data *d = &vdso_page.data;

	__atomic_store_n(&d->seq, d->seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	d->mult = clock->mult;
	d->shift = clock->shift;
	d->mask = clock->mask;
	d->base_counter = clock->base_counter;
	for (int i = 0; i < VDSO_CLOCKS; i++)
		d->base_ns[i] = base_of(clock, i);
	__atomic_store_n(&d->seq, d->seq + 1, __ATOMIC_RELEASE);
}
