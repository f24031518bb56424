/* SPDX-License-Identifier: MIT */
/*
 * GDT, TSS and IDT.
 *
 * The exceptions that may arrive on any stack (double fault, NMI, machine check, and the debug
 * exception, which MOV SS puts off until behind a SYSCALL instruction) have their own; the top word
 * of each holds this CPU's per-CPU offset, so that their entry finds GS base without trusting it
 * (entry.S, paranoid_entry).
 */
#include <arch_impl/descriptors.h>
#include <arch_impl/msr.h>
#include <arch_impl/vectors.h>
#include <kernel/init.h>
#include <kernel/percpu.h>
#include <lib/string.h>

struct gate {				/* Intel SDM vol. 3, 6.14.1 */
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_mid;
	uint32_t offset_high, reserved;
};

struct table_pointer {
	uint16_t limit;
	uint64_t base;
} __packed;

#define GATE_INTERRUPT	0x8e
#define GATE_USER	0xee		/* INT3 and INTO from user mode */
#define IST_WORDS	(IST_STACK_SIZE / 8)

static struct gate idt[256] __aligned(16);
static DEFINE_PERCPU(uint64_t[GDT_ENTRIES], gdt) __aligned(16);
DEFINE_PERCPU(struct tss, x86_tss) __aligned(64);
static DEFINE_PERCPU(uint64_t[(IST_END - 1) * IST_WORDS], ist_stacks) __aligned(16);

extern char x86_exception_stubs[], x86_interrupt_stubs[];

static void idt_set(unsigned int vector, uint64_t handler, enum ist ist, uint8_t type)
{
	idt[vector] = (struct gate){
		.offset_low = (uint16_t)handler, .offset_mid = (uint16_t)(handler >> 16),
		.offset_high = (uint32_t)(handler >> 32), .selector = KERNEL_CS,
		.ist = (uint8_t)ist, .type = type,
	};
}

/* The stubs stand 16 and 8 bytes apart; entry.S checks that they fit. */
void x86_idt_init(void)
{
	for (unsigned int v = 0; v < VECTOR_EXCEPTIONS; v++)
		idt_set(v, (uint64_t)x86_exception_stubs + v * 16, IST_NONE,
			v == 3 || v == 4 ? GATE_USER : GATE_INTERRUPT);
	for (unsigned int v = VECTOR_EXCEPTIONS; v < 256; v++)
		idt_set(v, (uint64_t)x86_interrupt_stubs + (v - VECTOR_EXCEPTIONS) * 8, IST_NONE,
			GATE_INTERRUPT);
	x86_idt_load();
}

void x86_idt_load(void)
{
	struct table_pointer p = { sizeof(idt) - 1, (uint64_t)idt };

	__asm__ volatile("lidt %0" : : "m"(p));
}

static void set_ist(struct tss *tss, enum ist ist)
{
	uint64_t *top = this_cpu_ptr(&ist_stacks[0]) + ist * IST_WORDS - 2;

	top[0] = arch_percpu_offset();
	tss->ist[ist - 1] = (uint64_t)top;
}

void x86_descriptors_init(unsigned int cpu)
{
	uint64_t *g = this_cpu_ptr(&gdt[0]);
	struct tss *tss = this_cpu_ptr(&x86_tss);
	uint64_t base = (uint64_t)tss, limit = sizeof(*tss) - 1;
	struct table_pointer p = { sizeof(gdt) - 1, (uint64_t)g };

	g[KERNEL_CS32 / 8] = 0x00cf9b000000ffff;
	g[KERNEL_CS / 8] = 0x00af9b000000ffff;
	g[KERNEL_DS / 8] = 0x00cf93000000ffff;
	g[USER_CS32 / 8] = 0x00cffb000000ffff;
	g[USER_DS / 8] = 0x00cff3000000ffff;
	g[USER_CS / 8] = 0x00affb000000ffff;
	g[TSS_SELECTOR / 8] = limit | (base & 0xffffff) << 16 | 0x89UL << 40 |
			      (base >> 24 & 0xff) << 56;
	g[TSS_SELECTOR / 8 + 1] = base >> 32;
	g[CPU_SELECTOR / 8] = 0x0040f50000000000 | (cpu & 0xffff) |
		(uint64_t)(cpu >> 16 & 0xf) << 48;
	tss->iomap = sizeof(*tss);
	set_ist(tss, IST_DOUBLE_FAULT);
	set_ist(tss, IST_NMI);
	set_ist(tss, IST_MACHINE_CHECK);
	set_ist(tss, IST_DEBUG);

	/*
	 * Loading a null selector into FS and GS clears their bases on some CPUs: GS is put back.
	 */
	__asm__ volatile("lgdt %0" : : "m"(p));
	__asm__ volatile("pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1:"
			 : : "i"(KERNEL_CS) : "rax", "memory");
	__asm__ volatile("movl %0, %%ss; movl %1, %%ds; movl %1, %%es" : : "r"(KERNEL_DS), "r"(0));
	__asm__ volatile("ltr %w0" : : "r"(TSS_SELECTOR));
	x86_idt_load();
	if (!cpu) {
		idt_set(1, (uint64_t)x86_exception_stubs + 1 * 16, IST_DEBUG, GATE_INTERRUPT);
		idt_set(2, (uint64_t)x86_exception_stubs + 2 * 16, IST_NMI, GATE_INTERRUPT);
		idt_set(8, (uint64_t)x86_exception_stubs + 8 * 16, IST_DOUBLE_FAULT,
			GATE_INTERRUPT);
		idt_set(18, (uint64_t)x86_exception_stubs + 18 * 16, IST_MACHINE_CHECK,
			GATE_INTERRUPT);
	}
}
