/* SPDX-License-Identifier: MIT */
/*
 * FP/SIMD state: saved and loaded at every switch between user threads (eager), never used by the
 * kernel itself.
 *
 * Areas have the standard (not compacted) XSAVE format, since signal frames and ptrace show it;
 * XSAVEOPT saves what changed.  Without XSAVE the area is the 512-byte FXSAVE image.
 */
#include <arch/cpu.h>
#include <arch_impl/fpu.h>
#include <arch_impl/msr.h>
#include <arch_impl/uaccess.h>
#include <kernel/panic.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/sigframe.h>

/* x87, SSE, AVX, AVX-512 (opmask, ZMM high halves, ZMM16-31). */
#define XFEATURES_WANTED	0xe7UL
#define MXCSR_INITIAL		0x1f80u
#define X87_CONTROL_INITIAL	0x37fu
#define FXSAVE_SIZE		512

uint32_t fpu_area_size = FXSAVE_SIZE;
uint64_t fpu_features;
static uint32_t mxcsr_mask = 0xffbf;
static struct slab_cache *fpu_cache;

static void xsetbv(uint64_t v)
{
	__asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}

void fpu_cpu_init(void)
{
	uint64_t cr4 = read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT;

	if (x86_features.xsave)
		cr4 |= CR4_OSXSAVE;
	write_cr4(cr4);
	write_cr0((read_cr0() & ~(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE);
	if (x86_features.xsave)
		xsetbv(fpu_features);
	__asm__ volatile("fninit");
}

void fpu_boot_init(void)
{
	static struct fpstate probe __aligned(16);
	struct cpuid_regs c;

	if (x86_features.xsave) {
		c = cpuid(0xd, 0);
		fpu_features = (c.eax | (uint64_t)c.edx << 32) & XFEATURES_WANTED;
		/* AVX-512 is all three parts or none (SDM vol. 1, 13.3). */
		if ((fpu_features & 0xe0) != 0xe0 || !(fpu_features & 4))
			fpu_features &= ~0xe0UL;
	}
	fpu_cpu_init();
	if (fpu_features)
		fpu_area_size = cpuid(0xd, 0).ebx;	/* for what XCR0 enables now */
	__asm__ volatile("fxsaveq %0" : "=m"(probe));
	if (probe.mxcsr_mask)
		mxcsr_mask = probe.mxcsr_mask;
}

void fpu_save(void *area)
{
	uint32_t lo = (uint32_t)fpu_features, hi = (uint32_t)(fpu_features >> 32);

	if (!fpu_features)
		__asm__ volatile("fxsaveq (%0)" : : "r"(area) : "memory");
	else if (x86_features.xsaveopt)
		__asm__ volatile("xsaveopt64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
	else
		__asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
}

void fpu_save_full(void *area)
{
	uint32_t lo = (uint32_t)fpu_features, hi = (uint32_t)(fpu_features >> 32);

	if (fpu_features)
		__asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
	else
		__asm__ volatile("fxsaveq (%0)" : : "r"(area) : "memory");
}

void fpu_restore(const void *area)
{
	uint32_t lo = (uint32_t)fpu_features, hi = (uint32_t)(fpu_features >> 32);

	if (fpu_features)
		__asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
	else
		__asm__ volatile("fxrstorq (%0)" : : "r"(area) : "memory");
}

bool fpu_area_is_valid(const void *area)
{
	const struct fpstate *fx = area;
	const struct xstate_header *header = (const void *)((const char *)area + FXSAVE_SIZE);

	if (fx->mxcsr & ~mxcsr_mask)
		return false;
	if (!fpu_features)
		return true;
	if (header->xfeatures & ~fpu_features || header->reserved1[0] || header->reserved1[1])
		return false;
	for (unsigned int i = 0; i < 5; i++)
		if (header->reserved2[i])
			return false;
	return true;
}

/*
 * An area whose XSTATE_BV is 0 loads the initial state; the legacy part serves FXRSTOR and readers.
 */
void fpu_area_reset(void *area)
{
	struct fpstate *fx = area;

	memset(area, 0, fpu_area_size);
	fx->cwd = X87_CONTROL_INITIAL;
	fx->mxcsr = MXCSR_INITIAL;
	fx->mxcsr_mask = mxcsr_mask;
}

/* Components that the processor left out because they are initial get their initial values. */
void fpu_area_complete(void *area)
{
	struct fpstate *fx = area;
	const struct xstate_header *header = (const void *)(fx + 1);

	if (!fpu_features)
		return;
	if (!(header->xfeatures & 1)) {
		fx->cwd = X87_CONTROL_INITIAL;
		fx->swd = fx->twd = fx->fop = 0;
		fx->rip = fx->rdp = 0;
		memset(fx->st_space, 0, sizeof(fx->st_space));
	}
	if (!(header->xfeatures & 2))
		memset(fx->xmm_space, 0, sizeof(fx->xmm_space));
	fx->mxcsr_mask = mxcsr_mask;
	for (unsigned int i = 2; i < 63; i++) {
		struct cpuid_regs c;

		if (!(fpu_features >> i & 1) || header->xfeatures >> i & 1)
			continue;
		c = cpuid(0xd, i);
		memset((char *)area + c.ebx, 0, c.eax);
	}
}

void *fpu_area_alloc(void)
{
	const struct slab_cache_args args = { .name = "fpu", .size = fpu_area_size, .align = 64 };

	/* The first user thread is made by the boot thread alone. */
	if (!fpu_cache) {
		struct slab_cache *c = slab_cache_create(&args);

		if (IS_ERR(c))
			return NULL;
		fpu_cache = c;
	}
	return slab_alloc(fpu_cache, ALLOC_NORMAL);
}

void fpu_area_free(void *area)
{
	if (area)
		slab_free(fpu_cache, area);
}

/* Flags and masks of both units: invalid, denormal, zero divide, overflow, underflow, precision. */
static int code_of(unsigned int pending)
{
	if (pending & 0x01)
		return FPE_FLTINV;
	if (pending & 0x04)
		return FPE_FLTDIV;
	if (pending & 0x08)
		return FPE_FLTOVF;
	if (pending & 0x12)
		return FPE_FLTUND;
	if (pending & 0x20)
		return FPE_FLTRES;
	return 0;
}

int fpu_x87_code(void)
{
	uint16_t control, status;

	__asm__ volatile("fnstcw %0" : "=m"(control));
	__asm__ volatile("fnstsw %0" : "=m"(status));
	return code_of(status & ~control & 0x3f);
}

int fpu_simd_code(void)
{
	uint32_t mxcsr;

	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	return code_of(mxcsr & ~(mxcsr >> 7) & 0x3f);
}
