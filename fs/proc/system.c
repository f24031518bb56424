/* SPDX-License-Identifier: MIT */
/*
 * The files of /proc that tell of the whole machine.
 */
#include <arch/cpu.h>
#include <drivers/block.h>
#include <fs/chardev.h>
#include <kernel/core_dump.h>
#include <kernel/clock.h>
#include <kernel/init.h>
#include <kernel/irq.h>
#include <kernel/log.h>
#include <kernel/percpu.h>
#include <kernel/sched.h>
#include <kernel/version.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <security/random.h>

#include "../locks.h"
#include "proc.h"

static int meminfo(struct seq_file *m)
{
	struct page_stats s;

	page_stats(&s);
	seq_printf(m, "MemTotal:       %8llu kB\nMemFree:        %8llu kB\n"
		   "MemAvailable:   %8llu kB\n"
		   "Buffers:               0 kB\nCached:         %8llu kB\n"
		   "SwapCached:            0 kB\n",
		   (unsigned long long)s.total * 4, (unsigned long long)s.free * 4,
		   (unsigned long long)(s.free + s.cache - min(s.cache, s.shmem)) * 4,
		   (unsigned long long)s.cache * 4);
	seq_printf(m, "Active:         %8llu kB\nInactive:       %8llu kB\n"
		   "SwapTotal:             0 kB\n"
		   "SwapFree:              0 kB\nDirty:          %8llu kB\n"
		   "Writeback:      %8llu kB\n"
		   "AnonPages:      %8llu kB\nMapped:                0 kB\n"
		   "Shmem:          %8llu kB\n",
		   (unsigned long long)s.anon * 4, (unsigned long long)s.cache * 4,
		   (unsigned long long)s.dirty * 4, (unsigned long long)s.writeback * 4,
		   (unsigned long long)s.anon * 4, (unsigned long long)s.shmem * 4);
	seq_printf(m, "Slab:           %8llu kB\nKernelStack:    %8llu kB\n"
		   "PageTables:     %8llu kB\n"
		   "CommitLimit:    %8llu kB\nCommitted_AS:   %8llu kB\nHugePages_Total:       0\n"
		   "HugePages_Free:        0\nHugepagesize:       2048 kB\n",
		   (unsigned long long)s.slab * 4, (unsigned long long)s.kernel_stack * 4,
		   (unsigned long long)s.table * 4, (unsigned long long)s.total * 4,
		   (unsigned long long)s.anon * 4);
	return 0;
}

static void cpu_line(struct seq_file *m, const struct cpu_times *t)
{
	seq_printf(m, " %llu %llu %llu %llu 0 %llu 0 0 0 0\n",
		   (unsigned long long)t->user_ns / 10000000,
		   (unsigned long long)t->nice_ns / 10000000,
		   (unsigned long long)t->system_ns / 10000000,
		   (unsigned long long)t->idle_ns / 10000000,
		   (unsigned long long)t->irq_ns / 10000000);
}

static int stat_show(struct seq_file *m)
{
	struct cpu_times sum = { 0 }, t;
	struct sched_stats s;

	for_each_cpu_in(cpu, &cpus_online) {
		sched_cpu_times(cpu, &t);
		sum.user_ns += t.user_ns;
		sum.nice_ns += t.nice_ns;
		sum.system_ns += t.system_ns;
		sum.idle_ns += t.idle_ns;
		sum.irq_ns += t.irq_ns;
	}
	seq_puts(m, "cpu ");
	cpu_line(m, &sum);
	for_each_cpu_in(cpu, &cpus_online) {
		sched_cpu_times(cpu, &t);
		seq_printf(m, "cpu%u", cpu);
		cpu_line(m, &t);
	}
	sched_stats(&s);
	seq_printf(m, "intr %llu\nctxt %llu\nbtime %lld\nprocesses %llu\nprocs_running %u\n"
		   "procs_blocked 0\nsoftirq 0\n",
		   (unsigned long long)irq_count_total(), (unsigned long long)s.switches,
		   (long long)(clock_realtime_offset_ns() / NSEC_PER_SEC),
		   (unsigned long long)s.forks, s.running);
	return 0;
}

static int uptime(struct seq_file *m)
{
	uint64_t now = (uint64_t)clock_ns(), idle = 0;
	struct cpu_times t;

	for_each_cpu_in(cpu, &cpus_online) {
		sched_cpu_times(cpu, &t);
		idle += t.idle_ns;
	}
	seq_printf(m, "%llu.%02llu %llu.%02llu\n", (unsigned long long)now / 1000000000,
		   (unsigned long long)now / 10000000 % 100, (unsigned long long)idle / 1000000000,
		   (unsigned long long)idle / 10000000 % 100);
	return 0;
}

static int loadavg(struct seq_file *m)
{
	struct sched_stats s;
	unsigned int total = 0;
	struct process *p;
	int last = 0;

	sched_stats(&s);
	spin_lock(&tasklist_lock);
	list_for_each_entry(p, &process_list, all_node) {
		total += p->nr_threads;
		last = max(last, p->pid->nr);
	}
	spin_unlock(&tasklist_lock);
	for (int i = 0; i < 3; i++)
		seq_printf(m, "%llu.%02llu ", (unsigned long long)s.loads[i] >> 11,
			   (unsigned long long)(s.loads[i] & 2047) * 100 >> 11);
	seq_printf(m, "%u/%u %d\n", s.running, total, last);
	return 0;
}

static int cpuinfo(struct seq_file *m)
{
	for_each_cpu_in(cpu, &cpus_online)
		arch_cpu_show(m, cpu);
	return 0;
}

static int version(struct seq_file *m)
{
	seq_printf(m, "Linux version %s (aegis) %s\n", kernel_release, kernel_version);
	return 0;
}

static int cmdline(struct seq_file *m)
{
	seq_printf(m, "%s\n", boot_command_line());
	return 0;
}

static int vmstat(struct seq_file *m)
{
	struct page_stats s;

	page_stats(&s);
	seq_printf(m, "nr_free_pages %llu\nnr_anon_pages %llu\nnr_file_pages %llu\nnr_dirty %llu\n"
		   "nr_writeback %llu\nnr_shmem %llu\nnr_page_table_pages %llu\n"
		   "nr_kernel_stack %llu\n",
		   (unsigned long long)s.free, (unsigned long long)s.anon,
		   (unsigned long long)s.cache, (unsigned long long)s.dirty,
		   (unsigned long long)s.writeback, (unsigned long long)s.shmem,
		   (unsigned long long)s.table, (unsigned long long)s.kernel_stack * 4);
	seq_printf(m, "nr_dirtied %llu\nnr_written %llu\n", (unsigned long long)s.ever_dirtied,
		   (unsigned long long)s.ever_written);
	seq_puts(m, "pgpgin 0\npgpgout 0\npswpin 0\npswpout 0\n");
	return 0;
}

static int filesystems(struct seq_file *m) { return fs_show_types(m), 0; }
static int devices(struct seq_file *m)
{
	chardev_show(m);
	if (IS_ENABLED(CONFIG_BLOCK))
		block_show_majors(m);
	return 0;
}

static void one_irq(const struct irq_info *i, void *ctx)
{
	seq_printf(ctx, "%4u: %10llu  %s %u  %s\n", i->irq, (unsigned long long)i->count, i->domain,
		   i->hwirq, i->name ? i->name : "");
}

static int interrupts(struct seq_file *m)
{
	seq_puts(m, "           total\n");
	irq_for_each(one_irq, m);
	return 0;
}

static int slabinfo(struct seq_file *m)
{
	struct slab_stats s;

	seq_puts(m, "slabinfo - version: 2.1\n"
		 "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
		 " : tunables <limit> <batchcount> <sharedfactor>"
		 " : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	for (unsigned int i = 0; slab_stats_at(i, &s); i++)
		seq_printf(m, "%-17s %6llu %6llu %6u %4u %4u : tunables 0 0 0"
			   " : slabdata %6llu %6llu 0\n",
			   s.name, (unsigned long long)s.in_use, (unsigned long long)s.total,
			   s.object_size, s.per_slab, s.pages_per_slab, (unsigned long long)s.slabs,
			   (unsigned long long)s.slabs);
	return 0;
}

static int locks(struct seq_file *m) { return locks_show(m), 0; }
static int swaps(struct seq_file *m)
{
	seq_puts(m, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	return 0;
}

static int osrelease(struct seq_file *m) { return seq_printf(m, "%s\n", kernel_release), 0; }
static int kernel_version_show(struct seq_file *m)
{
	return seq_printf(m, "%s\n", kernel_version), 0;
}
static int constant(struct seq_file *m) { return seq_printf(m, "%s\n", (const char *)m->priv), 0; }
static int system_name_show(struct seq_file *m)
{
	char name[SYSTEM_NAME_MAX + 1];

	system_name_get((enum system_name)(uintptr_t)m->priv, name);
	seq_printf(m, "%s\n", name);
	return 0;
}

static int system_name_write(void *which, char *text, size_t len)
{
	text[strcspn(text, "\n")] = '\0';
	system_name_set((enum system_name)(uintptr_t)which, text);
	return 0;
}

static int printk(struct seq_file *m)
{
	return seq_printf(m, "%d\t4\t1\t7\n", log_console_level), 0;
}

static int core_pattern(struct seq_file *m)
{
	char text[CORE_PATTERN_MAX];

	core_pattern_get(text);
	seq_printf(m, "%s\n", text);
	return 0;
}

static int core_pattern_write(void *priv, char *text, size_t len)
{
	return core_pattern_set(text);
}

static int file_nr(struct seq_file *m)
{
	seq_puts(m, "0\t0\t9223372036854775807\n");
	return 0;
}

static void put_uuid(struct seq_file *m, const uint8_t *u)
{
	for (int i = 0; i < 16; i++)
		seq_printf(m, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", u[i]);
	seq_putc(m, '\n');
}

static int random_uuid(struct seq_file *m)
{
	uint8_t u[16];

	random_bytes(u, sizeof(u));
	u[6] = (u[6] & 0x0f) | 0x40;
	u[8] = (u[8] & 0x3f) | 0x80;
	put_uuid(m, u);
	return 0;
}

static int boot_id(struct seq_file *m)
{
	static uint8_t id[16];		/* made once, before anybody reads it */
	static bool made;

	if (!__atomic_exchange_n(&made, true, __ATOMIC_ACQ_REL)) {
		random_bytes(id, sizeof(id));
		id[6] = (id[6] & 0x0f) | 0x40;
		id[8] = (id[8] & 0x3f) | 0x80;
	}
	put_uuid(m, id);
	return 0;
}

/* PID/stat and the like of the caller: links that depend on who reads. */
static int self_readlink(struct inode *inode, char *buf, size_t size)
{
	return (int)scnprintf(buf, size, "%d", current_process()->pid->nr);
}

static int thread_self_readlink(struct inode *inode, char *buf, size_t size)
{
	return (int)scnprintf(buf, size, "%d/task/%d", current_process()->pid->nr,
			      current_thread()->pid->nr);
}

const struct inode_ops proc_self_ops = { .readlink = self_readlink };
const struct inode_ops proc_thread_self_ops = { .readlink = thread_self_readlink };

void proc_system_init(void)
{
	static const struct proc_entry files[] = {
		{ .name = "meminfo", .show = meminfo }, { .name = "stat", .show = stat_show },
		{ .name = "uptime", .show = uptime }, { .name = "loadavg", .show = loadavg },
		{ .name = "cpuinfo", .show = cpuinfo }, { .name = "version", .show = version },
		{ .name = "filesystems", .show = filesystems },
		{ .name = "cmdline", .show = cmdline }, { .name = "mounts", .link = "self/mounts" },
		{ .name = "interrupts", .show = interrupts },
		{ .name = "devices", .show = devices },
		{ .name = "slabinfo", .mode = 0400, .show = slabinfo },
		{ .name = "vmstat", .show = vmstat }, { .name = "swaps", .show = swaps },
		{ .name = "locks", .show = locks },
		{ .name = "sys/kernel/ostype", .show = constant, .priv = (void *)"Linux" },
		{ .name = "sys/kernel/osrelease", .show = osrelease },
		{ .name = "sys/kernel/version", .show = kernel_version_show },
		{ .name = "sys/kernel/hostname", .mode = 0644, .show = system_name_show,
		  .write = system_name_write, .priv = (void *)(uintptr_t)SYSTEM_HOST_NAME },
		{ .name = "sys/kernel/domainname", .mode = 0644, .show = system_name_show,
		  .write = system_name_write, .priv = (void *)(uintptr_t)SYSTEM_DOMAIN_NAME },
		{ .name = "sys/kernel/pid_max", .show = constant, .priv = (void *)"4194304" },
		{ .name = "sys/kernel/threads-max", .show = constant, .priv = (void *)"4194304" },
		{ .name = "sys/kernel/ngroups_max", .show = constant, .priv = (void *)"65536" },
		{ .name = "sys/kernel/cap_last_cap", .show = constant, .priv = (void *)"40" },
		{ .name = "sys/kernel/randomize_va_space", .show = constant, .priv = (void *)"2" },
		{ .name = "sys/kernel/printk", .show = printk },
		{ .name = "sys/kernel/core_pattern", .mode = 0644, .show = core_pattern,
		  .write = core_pattern_write },
		{ .name = "sys/kernel/core_pipe_limit", .show = constant, .priv = (void *)"0" },
		{ .name = "sys/kernel/random/uuid", .show = random_uuid },
		{ .name = "sys/kernel/random/boot_id", .show = boot_id },
		{ .name = "sys/kernel/random/entropy_avail", .show = constant,
		  .priv = (void *)"256" },
		{ .name = "sys/kernel/random/poolsize", .show = constant, .priv = (void *)"256" },
		{ .name = "sys/vm/overcommit_memory", .show = constant, .priv = (void *)"0" },
		{ .name = "sys/vm/max_map_count", .show = constant, .priv = (void *)"2147483647" },
		{ .name = "sys/vm/swappiness", .show = constant, .priv = (void *)"0" },
		{ .name = "sys/fs/file-max", .show = constant,
		  .priv = (void *)"9223372036854775807" },
		{ .name = "sys/fs/file-nr", .show = file_nr },
		{ .name = "sys/fs/nr_open", .show = constant, .priv = (void *)"1073741816" },
		{ .name = "sys/fs/pipe-max-size", .show = constant, .priv = (void *)"1048576" },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(files); i++)
		if (proc_register(&files[i]))
			log_err("procfs: no memory for %s", files[i].name);
	if (proc_register_value(&(struct proc_value){ .name = "sys/kernel/core_uses_pid",
						      .value = &core_uses_pid, .max = 1,
						      .mode = 0644 }))
		log_err("procfs: no memory for core_uses_pid");
}
