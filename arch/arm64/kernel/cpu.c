/* SPDX-License-Identifier: MIT */
/*
 * CPUs: finding and starting them, inter-processor interrupts, the end of the machine.
 */
#include <arch/boot.h>
#include <arch/cache.h>
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/upcalls.h>
#include <arch_impl/device.h>
#include <drivers/of.h>
#include <drivers/psci.h>
#include <fs/seq_file.h>
#include <kernel/init.h>
#include <kernel/irq.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <lib/assert.h>
#include <lib/err.h>
#include <lib/string.h>
#include <arch_impl/arm64.h>

#define MPIDR_AFFINITY	0xff00ffffffUL

uint64_t arm64_mpidr[CONFIG_MAX_CPUS];
static struct arm64_cpu_boot cpu_boot[CONFIG_MAX_CPUS];
static unsigned int nr_found = 1;

extern char secondary_entry[];
extern const struct arm64_irqchip __irqchips_start[], __irqchips_end[];

uint64_t arm64_cpu_affinity(unsigned int cpu)
{
	return arm64_mpidr[cpu];
}

static bool cpu_is_known(uint64_t mpidr)
{
	for (unsigned int i = 0; i < nr_found; i++)
		if (arm64_mpidr[i] == mpidr)
			return true;
	return false;
}

unsigned int arch_cpu_discover(void)
{
	int cpus = of_find_path("/cpus");
	uint32_t cells = 1;
	unsigned int left_out = 0;

	(void)of_u32(cpus, "#address-cells", &cells);
	arm64_mpidr[0] = sysreg_read(mpidr_el1) & MPIDR_AFFINITY;
	for (int n = of_first_child(cpus); n >= 0; n = of_next_sibling(n)) {
		const char *type = of_string(n, "device_type"),
			*method = of_string(n, "enable-method");
		struct of_prop reg;
		uint64_t mpidr;

		if (!type || !str_eq(type, "cpu") || !of_is_available(n) ||
		    !of_get(n, "reg", &reg) || cells < 1 || cells > 2 || reg.len < 4 * cells)
			continue;
		mpidr = of_cells(reg.data, cells) & MPIDR_AFFINITY;
		if (cpu_is_known(mpidr))
			continue;
		if (!method || !str_eq(method, "psci") || nr_found == CONFIG_MAX_CPUS) {
			left_out++;
			continue;
		}
		arm64_mpidr[nr_found++] = mpidr;
	}
	if (left_out)
		log_warn("cpu: %u CPUs stay off (CONFIG_MAX_CPUS or no PSCI)", left_out);
	return nr_found;
}

int arch_cpu_start(unsigned int cpu, struct thread *idle, unsigned long percpu_offset)
{
	struct arm64_cpu_boot *b = &cpu_boot[cpu];

	*b = (struct arm64_cpu_boot){
		.idle = (uint64_t)idle,
		.stack_top = (uint64_t)idle->stack + THREAD_STACK_SIZE,
		.percpu_offset = percpu_offset,
		.cpu = cpu,
		.ttbr1 = virt_to_phys(arch_kernel_root()).v,
	};
	/* It reads this with its caches off. */
	arch_dcache_invalidate(b, sizeof(*b));
	return psci_cpu_on(arm64_mpidr[cpu], image_to_phys(secondary_entry), image_to_phys(b).v);
}

static __init bool irqchip_try(int node)
{
	for (const struct arm64_irqchip *c = __irqchips_start; c < __irqchips_end; c++)
		for (const char *const *id = c->compatible; *id; id++)
			if (of_is_compatible(node, *id) && c->init(node) == 0)
				return true;
	return false;
}

/* The controller that the root names, as a rule; else the first of the tree that a driver knows. */
void __init arm64_irqchip_init(void)
{
	struct of_prop p;
	uint32_t phandle;

	if (of_u32(of_next(OF_NONE), "interrupt-parent", &phandle) &&
	    irqchip_try(of_find_phandle(phandle)))
		return;
	for (int n = of_next(OF_NONE); n >= 0; n = of_next(n))
		if (of_get(n, "interrupt-controller", &p) && irqchip_try(n))
			return;
	panic("irq: the device tree names no interrupt controller that a driver knows");
}

/*
 * Exceptions set PSTATE.PAN, but boot comes from none, and a thread switch does not touch it:
 * without this, whoever an idle thread switches to would run on with user memory open.
 */
static void pan_enable(void)
{
	if (arm64_features & ARM64_HAS_PAN)
		__asm__ volatile(".inst 0xd500419f" ::: "memory");	/* msr pan, #1 */
}

void arch_cpu_init(unsigned int cpu)
{
	pan_enable();
	if (cpu == 0)
		arm64_irqchip_init();
	arm64_timer_init_cpu();
	irq_root->cpu_init();
}

void arch_ipi_send(unsigned int cpu, enum ipi kind)
{
	irq_root->send_ipi(cpu, kind);
}

__noreturn void arch_halt(void)
{
	__asm__ volatile("msr daifset, #15" ::: "memory");
	for (;;)
		__asm__ volatile("wfi" ::: "memory");
}

__noreturn void arch_power_off(void)
{
	psci_system_off();
	arch_halt();
}

__noreturn void arch_reboot(void)
{
	psci_system_reset();
	arch_halt();
}

/* SYS_EXIT; on AArch64 with a block, as SYS_EXIT_EXTENDED */
#define SEMIHOSTING_EXIT		0x18
#define ADP_STOPPED_APPLICATION_EXIT	0x20026

/*
 * The emulator takes HLT 0xf000; without semihosting it is an undefined instruction, for which
 * the exception table has the way on.
 */
static void semihosting_exit(unsigned int status)
{
	const uint64_t block[2] = { ADP_STOPPED_APPLICATION_EXIT, status };
	register uint64_t op __asm__("x0") = SEMIHOSTING_EXIT;
	register const uint64_t *arg __asm__("x1") = block;

	__asm__ volatile("1: hlt #0xf000\n2:\n"
			 ".pushsection .ex_table, \"a\"\n.p2align 2\n.long 1b - ., 2b - .\n"
			 ".popsection"
			 : "+r"(op) : "r"(arg), "m"(block) : "memory");
}

void arch_vm_exit(unsigned int status)
{
	const char *how = boot_arg("aegis.exit");

	if (how && str_eq(how, "semihosting"))
		semihosting_exit(status);
}

/*
 * The fields of Linux, which programs read to choose code: names of AT_HWCAP bits and the parts of
 * MIDR.
 */
void arch_cpu_show(struct seq_file *m, unsigned int cpu)
{
	static const char *const names[] = {
		"fp", "asimd", "evtstrm", "aes", "pmull", "sha1", "sha2", "crc32", "atomics",
		"fphp", "asimdhp", "cpuid", "asimdrdm", "jscvt", "fcma", "lrcpc", "dcpop", "sha3",
		"sm3", "sm4", "asimddp", "sha512", "sve", "asimdfhm", "dit", "uscat", "ilrcpc",
		"flagm", "ssbs", "sb", "paca", "pacg",
	};
	static const char *const names2[] = {
		"dcpodp", "sve2", "sveaes", "svepmull", "svebitperm", "svesha3", "svesm4", "flagm2",
		"frint", "svei8mm", "svef32mm", "svef64mm", "svebf16", "i8mm", "bf16", "dgh", "rng",
		"bti", "mte", "ecv", "afp", "rpres", "mte3",
	};
	uint64_t midr = sysreg_read(midr_el1);

	seq_printf(m, "processor\t: %u\n", cpu);
	seq_printf(m, "BogoMIPS\t: %lu.%02lu\n", sysreg_read(cntfrq_el0) / 500000,
		   sysreg_read(cntfrq_el0) / 5000 % 100);
	seq_puts(m, "Features\t:");
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
		if (arch_hwcap() >> i & 1)
			seq_printf(m, " %s", names[i]);
	for (unsigned int i = 0; i < ARRAY_SIZE(names2); i++)
		if (arch_hwcap2() >> i & 1)
			seq_printf(m, " %s", names2[i]);
	seq_printf(m, "\nCPU implementer\t: 0x%02x\n", (unsigned int)(midr >> 24 & 0xff));
	seq_puts(m, "CPU architecture: 8\n");
	seq_printf(m, "CPU variant\t: 0x%x\n", (unsigned int)(midr >> 20 & 15));
	seq_printf(m, "CPU part\t: 0x%03x\n", (unsigned int)(midr >> 4 & 0xfff));
	seq_printf(m, "CPU revision\t: %u\n\n", (unsigned int)(midr & 15));
}
