/* SPDX-License-Identifier: MIT */
/*
 * The time-stamp counter: its frequency, and the local APIC timer's.
 *
 * Frequencies come from CPUID where it tells them (leaf 0x15, a hypervisor's 0x40000010); else both
 * are measured in one short window against the best reference: HPET, ACPI PM timer, or channel 2 of
 * the PIT.  The window is short because boot time counts; each end is read several times and the
 * tightest reading taken.  A host that stops the CPU in between can still spoil a window (the PIT
 * even comes round), so windows are measured until two in a row agree.
 */
#include <arch/cpu.h>
#include <arch/time.h>
#include <arch_impl/msr.h>
#include <arch_impl/platform.h>
#include <arch_impl/vdso.h>
#include <drivers/acpi.h>
#include <drivers/hpet.h>
#include <drivers/pmtimer.h>
#include <kernel/clock.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/vdso_data.h>

#define WINDOW_NS		400000ULL
#define PIT_WINDOW_NS		3000000ULL	/* it is slow to read and its ticks are long */
#define ROUNDS			12
#define AGREEMENT		1000		/* one part in so many */
#define READ_TRIES		5
#define PIT_HZ			1193182ULL
#define NS			1000000000ULL

static uint64_t tsc_hz;
uint64_t x86_apic_timer_hz;

static uint64_t read_tsc(void)
{
	return rdtsc_ordered();
}

static struct clock_source tsc_clock = {
	.name = "tsc", .read = read_tsc, .mask = ~0ULL, .rating = 300, .vdso_mode = X86_VDSO_TSC,
};

uint64_t x86_tsc_hz(void)
{
	return tsc_hz;
}

/* A counter to measure against. */
struct reference {
	const char *name;
	uint64_t (*read)(void);
	uint64_t mask, hz, window_ns;
};

struct sample {
	uint64_t tsc, apic, ref;
};

static uint64_t read_pit(void)
{
	uint32_t lo;

	outb(0x43, 0x80);			/* latch channel 2 */
	lo = inb(0x42);
	return 0xffff - (lo | (uint32_t)inb(0x42) << 8);
}

/* Channel 2, gate on, speaker off, mode 0: counts down once.  False when nothing counts. */
static bool pit_start(void)
{
	uint64_t first;

	outb(0x61, (uint8_t)((inb(0x61) & ~2) | 1));
	outb(0x43, 0xb0);
	outb(0x42, 0xff);
	outb(0x42, 0xff);
	first = read_pit();
	for (int i = 0; i < 1000; i++)
		if (read_pit() != first)
			return true;
	return false;
}

static bool find_reference(struct reference *r)
{
	if (hpet_init() == 0)
		*r = (struct reference){ "HPET", hpet_read, hpet_mask(), hpet_frequency(),
					 WINDOW_NS };
	else if (pmtimer_init() == 0)
		*r = (struct reference){ "ACPI PM timer", pmtimer_read, pmtimer_mask(), PMTIMER_HZ,
					 WINDOW_NS };
	else if (pit_start())
		*r = (struct reference){ "PIT", read_pit, 0xffff, PIT_HZ, PIT_WINDOW_NS };
	else
		return false;
	return true;
}

/* At a tick's edge, so that a coarse reference is as good as a fine one. */
static struct sample take_sample(const struct reference *r)
{
	struct sample best = { 0 };
	uint64_t best_gap = UINT64_MAX;

	for (int i = 0; i < READ_TRIES; i++) {
		uint64_t before, after, ref = r->read(), now = ref;

		for (int spin = 0; now == ref && spin < 10000; spin++) {
			before = rdtsc_ordered();
			now = r->read();
			after = rdtsc_ordered();
		}
		if (after - before >= best_gap)
			continue;
		best_gap = after - before;
		best = (struct sample){ after, apic_timer_count(), now };
	}
	return best;
}

struct rates {
	uint64_t tsc, apic;
};

/* One window.  False when the reference stood still. */
static bool measure_once(const struct reference *r, struct rates *out)
{
	uint64_t window = r->hz * r->window_ns / NS, ref, rounds = 0;
	struct sample a, b;

	apic_timer_start(0xffffffff);
	a = take_sample(r);
	while (((r->read() - a.ref) & r->mask) < window && ++rounds < 10000000)
		arch_cpu_relax();
	b = take_sample(r);
	apic_timer_start(0);
	ref = (b.ref - a.ref) & r->mask;
	if (!ref)
		return false;
	/* The window is far too short for these products to leave 64 bits. */
	*out = (struct rates){ (b.tsc - a.tsc) * r->hz / ref, (a.apic - b.apic) * r->hz / ref };
	return true;
}

static bool is_close(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) <= b / AGREEMENT;
}

/* Windows until two in a row agree. */
static void measure(const struct reference *r)
{
	struct rates last = { 0 }, now = { 0 };
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		if (!measure_once(r, &now))
			panic("time: the %s does not count", r->name);
		if (i && is_close(now.tsc, last.tsc) && is_close(now.apic, last.apic))
			break;
		last = now;
	}
	if (i == ROUNDS)
		log_warn("time: no two measurements agree; clocks may run fast or slow");
	if (!tsc_hz)
		tsc_hz = (now.tsc + last.tsc) / 2;
	x86_apic_timer_hz = (now.apic + last.apic) / 2;
}

/* A round figure within 50 ppm is what the machine was built with. */
static uint64_t round_frequency(uint64_t hz)
{
	static const uint64_t steps[] = { 1000000000, 100000000, 50000000, 1000000 };

	for (unsigned int i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		uint64_t near = (hz + steps[i] / 2) / steps[i] * steps[i];
		uint64_t off = near > hz ? near - hz : hz - near;

		if (near && off < near / 20000)
			return near;
	}
	return hz;
}

static void ask_cpuid(void)
{
	struct cpuid_regs c;

	if (cpuid(0, 0).eax >= 0x15) {
		c = cpuid(0x15, 0);
		if (c.eax && c.ebx && c.ecx) {
			tsc_hz = (uint64_t)c.ecx * c.ebx / c.eax;
			x86_apic_timer_hz = c.ecx;	/* the core crystal drives it */
		}
	}
	if (!x86_features.hypervisor || cpuid(0x40000000, 0).eax < 0x40000010)
		return;
	c = cpuid(0x40000010, 0);
	if (c.eax)
		tsc_hz = (uint64_t)c.eax * 1000;
	if (c.ebx)
		x86_apic_timer_hz = (uint64_t)c.ebx * 1000;
}

void arch_time_init(void)
{
	struct reference r;

	ask_cpuid();
	if (!tsc_hz || !x86_apic_timer_hz) {
		if (!find_reference(&r))
			panic("time: no HPET, PM timer or PIT to measure the TSC against");
		measure(&r);
		tsc_hz = round_frequency(tsc_hz);
		x86_apic_timer_hz = round_frequency(x86_apic_timer_hz);
		log_info("time: TSC %lu kHz, APIC timer %lu kHz, measured by the %s", tsc_hz / 1000,
			 x86_apic_timer_hz / 1000, r.name);
	} else {
		log_info("time: TSC %lu kHz, APIC timer %lu kHz, as the CPU says", tsc_hz / 1000,
			 x86_apic_timer_hz / 1000);
	}
	tsc_clock.frequency_hz = tsc_hz;
	clock_source_register(&tsc_clock);
	/*
	 * The boot CPU's entry was set up for the measurement; other CPUs come later and find the
	 * flag.
	 */
	x86_timer_is_deadline = x86_features.tsc_deadline;
	if (x86_timer_is_deadline)
		apic_timer_setup();
}
