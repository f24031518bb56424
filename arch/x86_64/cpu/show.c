/* SPDX-License-Identifier: MIT */
/*
 * /proc/cpuinfo, in the words that programs look for.
 */
#include <arch/cpu.h>
#include <arch_impl/msr.h>
#include <arch_impl/platform.h>
#include <fs/seq_file.h>
#include <kernel/percpu.h>

struct flag_word {
	uint32_t leaf;
	uint8_t reg;			/* index into struct cpuid_regs */
	const char *names[32];		/* NULL: not shown */
};

static const struct flag_word words[] = {
	{ 1, 3, { "fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", NULL, "sep",
		  "mtrr", "pge", "mca", "cmov", "pat", "pse36", "pn", "clflush", NULL, "dts",
		  "acpi",
		  "mmx", "fxsr", "sse", "sse2", "ss", "ht", "tm", "ia64", "pbe" } },
	{ 0x80000001, 3, { [11] = "syscall", [20] = "nx", [26] = "pdpe1gb", [27] = "rdtscp",
			   [29] = "lm" } },
	{ 1, 2, { "pni", "pclmulqdq", "dtes64", "monitor", "ds_cpl", "vmx", "smx", "est", "tm2",
		  "ssse3", "cid", "sdbg", "fma", "cx16", "xtpr", "pdcm", NULL, "pcid", "dca",
		  "sse4_1",
		  "sse4_2", "x2apic", "movbe", "popcnt", "tsc_deadline_timer", "aes", "xsave", NULL,
		  "avx", "f16c", "rdrand", "hypervisor" } },
	{ 0x80000001, 2, { [0] = "lahf_lm", [5] = "abm", [6] = "sse4a", [8] = "3dnowprefetch" } },
	{ 7, 1, { [0] = "fsgsbase", [3] = "bmi1", [5] = "avx2", [7] = "smep", [8] = "bmi2",
		  [9] = "erms", [16] = "avx512f", [18] = "rdseed", [19] = "adx", [20] = "smap",
		  [23] = "clflushopt", [24] = "clwb", [29] = "sha_ni" } },
	{ 7, 2, { [2] = "umip", [22] = "rdpid" } },
};

static void show_flags(struct seq_file *m)
{
	seq_puts(m, "flags\t\t:");
	for (unsigned int w = 0; w < ARRAY_SIZE(words); w++) {
		uint32_t max = cpuid(words[w].leaf & 0x80000000, 0).eax;
		struct cpuid_regs c = cpuid(words[w].leaf, 0);
		const uint32_t bits[] = { c.eax, c.ebx, c.ecx, c.edx };

		for (unsigned int i = 0; words[w].leaf <= max && i < 32; i++)
			if (bits[words[w].reg] >> i & 1 && words[w].names[i])
				seq_printf(m, " %s", words[w].names[i]);
	}
	seq_putc(m, '\n');
}

void arch_cpu_show(struct seq_file *m, unsigned int cpu)
{
	const struct x86_features *f = &x86_features;

	seq_printf(m, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n", cpu,
		   f->vendor, f->family, f->model);
	seq_printf(m, "model name\t: %s\nstepping\t: %u\ncpu MHz\t\t: %lu.%03lu\n", f->brand,
		   f->stepping, x86_tsc_hz() / 1000000, x86_tsc_hz() / 1000 % 1000);
	seq_printf(m, "apicid\t\t: %u\nfpu\t\t: yes\nfpu_exception\t: yes\nwp\t\t: yes\n",
		   x86_apic_id_of(cpu));
	show_flags(m);
	seq_puts(m, "clflush size\t: 64\naddress sizes\t: 52 bits physical, 48 bits virtual\n\n");
}
