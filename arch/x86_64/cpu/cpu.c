/* SPDX-License-Identifier: MIT */
/*
 * What this CPU can do, and its control registers.
 */
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch_impl/alternative.h>
#include <arch_impl/boot.h>
#include <arch_impl/descriptors.h>
#include <arch_impl/fpu.h>
#include <arch_impl/msr.h>
#include <arch_impl/platform.h>
#include <kernel/log.h>
#include <kernel/percpu.h>
#include <lib/string.h>
#include <uapi/auxv.h>

/* PAT entries: WB, WC, UC-, UC, WB, WP, UC-, WT; see <arch_impl/mmu.h>. */
#define PAT_VALUE	0x0407050600070106UL

#define CPUID1_PGE	(1u << 13)
#define CPUID1_PCID	(1u << 17)
#define CPUID1_X2APIC	(1u << 21)
#define CPUID1_DEADLINE	(1u << 24)
#define CPUID1_XSAVE	(1u << 26)
#define CPUID1_RDRAND	(1u << 30)
#define CPUID1_HYPERVISOR (1u << 31)

const char arch_name[] = "x86_64";
struct x86_features x86_features;
uint64_t x86_pte_nx;
DEFINE_PERCPU(unsigned long, x86_percpu_offset);

extern char x86_syscall_entry[];

static void read_basic_leaves(struct x86_features *f, uint32_t max)
{
	struct cpuid_regs c = cpuid(1, 0);

	f->family = (c.eax >> 8 & 15) + ((c.eax >> 8 & 15) == 15 ? c.eax >> 20 & 255 : 0);
	f->model = (c.eax >> 4 & 15) | (c.eax >> 12 & 0xf0);
	f->stepping = c.eax & 15;
	f->hwcap = c.edx;
	f->pge = c.edx & CPUID1_PGE;
	f->pcid = c.ecx & CPUID1_PCID;
	f->x2apic = c.ecx & CPUID1_X2APIC;
	f->tsc_deadline = c.ecx & CPUID1_DEADLINE;
	f->xsave = c.ecx & CPUID1_XSAVE;
	f->rdrand = c.ecx & CPUID1_RDRAND;
	f->hypervisor = c.ecx & CPUID1_HYPERVISOR;
	if (max >= 7) {
		c = cpuid(7, 0);
		f->fsgsbase = c.ebx & 1u << 0;
		f->smep = c.ebx & 1u << 7;
		f->rdseed = c.ebx & 1u << 18;
		f->smap = c.ebx & 1u << 20;
		f->umip = c.ecx & 1u << 2;
		f->rdpid = c.ecx & 1u << 22;
	}
	if (f->xsave && max >= 0xd) {
		c = cpuid(0xd, 1);
		f->xsaveopt = c.eax & 1;
		f->xsavec = c.eax & 2;
	} else {
		f->xsave = false;
	}
}

static void read_extended_leaves(struct x86_features *f)
{
	uint32_t max = cpuid(0x80000000, 0).eax;
	struct cpuid_regs c = cpuid(0x80000001, 0);

	f->nx = c.edx & 1u << 20;
	f->pdpe1gb = c.edx & 1u << 26;
	f->rdtscp = c.edx & 1u << 27;
	if (max >= 0x80000007)
		f->invariant_tsc = cpuid(0x80000007, 0).edx & 1u << 8;
	for (uint32_t i = 0; max >= 0x80000004 && i < 3; i++) {
		c = cpuid(0x80000002 + i, 0);
		memcpy(f->brand + i * 16, &c, 16);
	}
}

void x86_features_init(void)
{
	struct x86_features *f = &x86_features;
	struct cpuid_regs c = cpuid(0, 0);

	memcpy(f->vendor, &c.ebx, 4);
	memcpy(f->vendor + 4, &c.edx, 4);
	memcpy(f->vendor + 8, &c.ecx, 4);
	read_basic_leaves(f, c.eax);
	read_extended_leaves(f);
	x86_pte_nx = f->nx ? X86_PTE_NX : 0;
}

static void patch_sites(const int32_t *from, const int32_t *to, uint8_t last)
{
	for (const int32_t *site = from; site < to; site++) {
		uint8_t *insn = (uint8_t *)site + *site;

		insn[0] = 0x0f;
		insn[1] = 0x01;
		insn[2] = last;
	}
}

void x86_patch_smap(void)
{
	extern int32_t __alt_stac_start[], __alt_stac_end[], __alt_clac_start[], __alt_clac_end[];

	if (!x86_features.smap)
		return;
	patch_sites(__alt_clac_start, __alt_clac_end, 0xca);
	patch_sites(__alt_stac_start, __alt_stac_end, 0xcb);
}

static void init_control_registers(void)
{
	uint64_t cr4 = read_cr4() | CR4_PAE;

	if (x86_features.pge)
		cr4 |= CR4_PGE;
	if (x86_features.smep)
		cr4 |= CR4_SMEP;
	if (x86_features.smap)
		cr4 |= CR4_SMAP;
	if (x86_features.umip)
		cr4 |= CR4_UMIP;
	if (x86_features.fsgsbase)
		cr4 |= CR4_FSGSBASE;
	if (x86_features.pcid)
		cr4 |= CR4_PCIDE;
	write_cr4(cr4);
	write_cr0(read_cr0() | CR0_WP | CR0_AM);
	wrmsr(MSR_PAT, PAT_VALUE);
}

static void init_syscall(unsigned int cpu)
{
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
	wrmsr(MSR_STAR, (uint64_t)USER_CS32 << 48 | (uint64_t)KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (uint64_t)x86_syscall_entry);
	wrmsr(MSR_FMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF |
			 RFLAGS_AC | 0x8d5);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	if (x86_features.rdtscp)
		wrmsr(MSR_TSC_AUX, cpu);
}

void arch_cpu_init(unsigned int cpu)
{
	x86_descriptors_init(cpu);
	init_control_registers();
	init_syscall(cpu);
	if (!cpu) {
		fpu_boot_init();
		apic_boot_init();
	} else {
		fpu_cpu_init();
	}
	apic_cpu_init();
}

uint64_t arch_hwcap(void)
{
	return x86_features.hwcap;
}

uint64_t arch_hwcap2(void)
{
	return x86_features.fsgsbase ? 1u << 1 : 0;
}

/* Each instruction may fail for a moment: ten tries, as Intel's guide says. */
static bool hardware_random(uint64_t *v)
{
	for (int i = 0; i < 10; i++) {
		bool ok;

		if (x86_features.rdseed)
			__asm__ volatile("rdseed %0" : "=r"(*v), "=@ccc"(ok));
		else
			__asm__ volatile("rdrand %0" : "=r"(*v), "=@ccc"(ok));
		if (ok)
			return true;
	}
	return false;
}

size_t arch_random_seed(void *buf, size_t len)
{
	size_t done = 0;

	if (!x86_features.rdseed && !x86_features.rdrand)
		return 0;
	while (done < len) {
		size_t n = len - done < 8 ? len - done : 8;
		uint64_t v;

		if (!hardware_random(&v))
			break;
		memcpy((char *)buf + done, &v, n);
		done += n;
	}
	return done;
}
