/* SPDX-License-Identifier: MIT */
/*
 * The text files of /proc/PID.
 */
#include <kernel/clock.h>
#include <kernel/ptrace.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/slab.h>

#include "proc.h"

static char state_letter(const struct thread *t)
{
	switch (READ_ONCE(t->state)) {
	case THREAD_RUNNING:
		return 'R';
	case THREAD_INTERRUPTIBLE:
		return 'S';
	case THREAD_STOPPED:
		return 'T';
	case THREAD_TRACED:
		return 't';
	case THREAD_DEAD:
		return 'Z';
	default:
		return 'D';
	}
}

static const char *state_name(char letter)
{
	switch (letter) {
	case 'R':
		return "R (running)";
	case 'S':
		return "S (sleeping)";
	case 'T':
		return "T (stopped)";
	case 't':
		return "t (tracing stop)";
	case 'Z':
		return "Z (zombie)";
	default:
		return "D (disk sleep)";
	}
}

/* Numbers of the family, read together. */
struct family {
	int parent, group, session, tracer;
	struct process *process;
	char state;
	uint32_t threads;
	sigset_t pending, shared, blocked, ignored, caught;
	dev_t tty;
	int tty_group;
};

static dev_t (*tty_dev)(struct tty *tty);
static int (*tty_group)(struct tty *tty);

void proc_set_tty_info(dev_t (*dev)(struct tty *tty), int (*group)(struct tty *tty))
{
	tty_dev = dev;
	tty_group = group;
}

static void read_signals(struct thread *t, struct family *f)
{
	struct sighand *s = t->process->sighand;

	if (!s)
		return;
	spin_lock_irq(&s->lock);
	f->pending = t->pending_set;
	f->shared = t->process->pending_set;
	f->blocked = t->blocked;
	for (int i = 0; i < SIGHAND_ACTIONS; i++) {
		uint64_t handler = (uint64_t)s->actions[i].sa_handler;

		if (handler == 1)
			f->ignored.v |= 1ULL << i;
		else if (handler)
			f->caught.v |= 1ULL << i;
	}
	if (t->process->tty && tty_dev) {
		f->tty = tty_dev(t->process->tty);
		f->tty_group = tty_group(t->process->tty);
	}
	spin_unlock_irq(&s->lock);
}

static void read_family(struct thread *t, struct family *f)
{
	struct process *p = t->process;

	memset(f, 0, sizeof(*f));
	f->tty_group = -1;
	f->process = p;
	spin_lock(&tasklist_lock);
	/* A reaped process's parent may be gone. */
	if (p->state != PROCESS_REAPED && p->parent && p->parent->pid)
		f->parent = p->parent->pid->nr;
	f->group = p->group ? p->group->nr : 0;
	f->session = p->session ? p->session->nr : 0;
	f->tracer = t->tracer ? t->tracer->pid->nr : 0;
	f->threads = p->nr_threads;
	f->state = p->state == PROCESS_ZOMBIE && t == p->leader ? 'Z' : state_letter(t);
	if (f->state != 'Z')
		read_signals(t, f);
	spin_unlock(&tasklist_lock);
}

static uint64_t to_ticks(uint64_t ns)
{
	return ns / (1000000000 / 100);
}

/* CPU time of one thread, or of the whole process. */
static void cpu_time(struct thread *t, bool whole, uint64_t *user, uint64_t *system)
{
	struct thread *other;

	thread_cpu_split(t, user, system);
	if (!whole)
		return;
	spin_lock(&tasklist_lock);
	*user = t->process->dead_threads.user_ns;
	*system = t->process->dead_threads.system_ns;
	list_for_each_entry(other, &t->process->threads, process_node) {
		uint64_t u, s;

		if (other == t->process->leader && t->process->leader_ended)
			continue;
		thread_cpu_split(other, &u, &s);
		*user += u;
		*system += s;
	}
	spin_unlock(&tasklist_lock);
}

static bool is_thread_dir(struct seq_file *m)
{
	return proc_inode_of(m->file->inode)->is_thread;
}

int show_stat(struct seq_file *m)
{
	struct thread *t = seq_thread_get(m);
	struct aspace *as;
	struct family f;
	struct sched_params sp;
	uint64_t user, system, vsize = 0, rss = 0, layout[10] = { 0 };

	if (!t)
		return -ESRCH;
	read_family(t, &f);
	cpu_time(t, !is_thread_dir(m), &user, &system);
	sched_get_params(t, &sp);
	as = thread_aspace_get(t);
	if (as) {
		vsize = as->total_pages * PAGE_SIZE;
		rss = aspace_rss(as);
		layout[0] = as->code_start, layout[1] = as->code_end, layout[2] = as->stack_top;
		layout[3] = as->data_start, layout[4] = as->data_end, layout[5] = as->brk_start;
		layout[6] = as->arg_start, layout[7] = as->arg_end;
		layout[8] = as->env_start, layout[9] = as->env_end;
		aspace_put(as);
	}
	seq_printf(m, "%d (%s) %c %d %d %d %u %d 0 %llu 0 %llu 0 "
		   "%llu %llu %llu %llu %d %d %u 0 %llu %llu %llu ",
		   t->pid->nr, t->name, f.state, f.parent, f.group, f.session, dev_to_user(f.tty),
		   f.tty_group, (unsigned long long)t->min_faults,
		   (unsigned long long)t->maj_faults, (unsigned long long)to_ticks(user),
		   (unsigned long long)to_ticks(system),
		   (unsigned long long)to_ticks(t->process->dead_children.user_ns),
		   (unsigned long long)to_ticks(t->process->dead_children.system_ns),
		   sp.rt_priority ? -1 - (int)sp.rt_priority : 20 + sp.nice, sp.nice, f.threads,
		   (unsigned long long)to_ticks((uint64_t)t->process->start_ns),
		   (unsigned long long)vsize, (unsigned long long)rss);
	seq_printf(m, "%llu %llu %llu %llu 0 0 %llu %llu %llu %llu 0 0 0 %d %u %u %u 0 0 0 ",
		   (unsigned long long)process_rlimit(t->process, RLIMIT_RSS),
		   (unsigned long long)layout[0], (unsigned long long)layout[1],
		   (unsigned long long)layout[2], (unsigned long long)(f.pending.v & 0x7fffffff),
		   (unsigned long long)(f.blocked.v & 0x7fffffff),
		   (unsigned long long)(f.ignored.v & 0x7fffffff),
		   (unsigned long long)(f.caught.v & 0x7fffffff), (int)t->exit_signal, t->cpu,
		   sp.rt_priority, sp.policy);
	for (unsigned int i = 3; i < 10; i++)
		seq_printf(m, "%llu ", (unsigned long long)layout[i]);
	seq_printf(m, "%d\n", t->process->exit_code);
	thread_put(t);
	return 0;
}

int show_statm(struct seq_file *m)
{
	struct thread *t = seq_thread_get(m);
	struct aspace *as;

	if (!t)
		return -ESRCH;
	as = thread_aspace_get(t);
	if (as) {
		seq_printf(m, "%llu %llu %llu %llu 0 %llu 0\n", (unsigned long long)as->total_pages,
			   (unsigned long long)aspace_rss(as),
			   (unsigned long long)max(as->rss_file + as->rss_shmem, (int64_t)0),
			   (unsigned long long)as->exec_pages,
			   (unsigned long long)(as->data_pages + as->stack_pages));
		aspace_put(as);
	} else {
		seq_puts(m, "0 0 0 0 0 0 0\n");
	}
	thread_put(t);
	return 0;
}

static void show_memory(struct seq_file *m, struct aspace *as)
{
	uint64_t exec = as->exec_pages * 4;
	uint64_t text = min((align_up(as->code_end, PAGE_SIZE) - (as->code_start & PAGE_MASK)) /
			    1024, exec);

	seq_printf(m, "VmPeak:\t%8llu kB\nVmSize:\t%8llu kB\nVmLck:\t%8llu kB\n"
		   "VmPin:\t       0 kB\n"
		   "VmHWM:\t%8llu kB\nVmRSS:\t%8llu kB\n",
		   (unsigned long long)as->total_max * 4, (unsigned long long)as->total_pages * 4,
		   (unsigned long long)as->locked_pages * 4,
		   (unsigned long long)aspace_rss_max(as) * 4,
		   (unsigned long long)aspace_rss(as) * 4);
	seq_printf(m, "RssAnon:\t%8lld kB\nRssFile:\t%8lld kB\nRssShmem:\t%8lld kB\n",
		   (long long)as->rss_anon * 4, (long long)as->rss_file * 4,
		   (long long)as->rss_shmem * 4);
	seq_printf(m, "VmData:\t%8llu kB\nVmStk:\t%8llu kB\nVmExe:\t%8llu kB\nVmLib:\t%8llu kB\n"
		   "VmPTE:\t%8lld kB\nVmSwap:\t       0 kB\nHugetlbPages:\t       0 kB\n"
		   "CoreDumping:\t0\nTHP_enabled:\t0\n",
		   (unsigned long long)as->data_pages * 4, (unsigned long long)as->stack_pages * 4,
		   (unsigned long long)text, (unsigned long long)(exec - text),
		   (long long)as->table_pages * 4);
}

static void show_groups(struct seq_file *m, const struct cred *c)
{
	seq_printf(m, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", c->uid, c->euid, c->suid,
		   c->fsuid, c->gid, c->egid, c->sgid, c->fsgid);
}

static uint32_t umask_of(struct thread *t)
{
	struct fs_context *fs = thread_fs_get(t);
	uint32_t umask = fs ? fs->umask : 0;

	if (fs)
		fs_context_put(fs);
	return umask;
}

/* 0-3,5 */
static void show_cpu_list(struct seq_file *m, const struct cpumask *mask)
{
	const char *comma = "";

	for (unsigned int first = 0; first < CPUMASK_WORDS * 64; first++) {
		unsigned int last = first;

		if (!cpumask_has(mask, first))
			continue;
		while (last + 1 < CPUMASK_WORDS * 64 && cpumask_has(mask, last + 1))
			last++;
		seq_printf(m, last == first ? "%s%u" : "%s%u-%u", comma, first, last);
		comma = ",";
		first = last;
	}
}

/* There is one name space, and one node of memory. */
static void show_numbers(struct seq_file *m, const struct thread *t, const struct family *f)
{
	seq_printf(m, "\nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n",
		   t->process->pid->nr, t->pid->nr, f->group, f->session);
}

static void show_placement(struct seq_file *m, const struct thread *t)
{
	seq_puts(m, "Cpus_allowed:\t");
	for (int i = CPUMASK_WORDS - 1; i >= 0; i--)
		seq_printf(m, "%08x,%08x%s", (unsigned int)(t->affinity.words[i] >> 32),
			   (unsigned int)t->affinity.words[i], i ? "," : "\n");
	seq_puts(m, "Cpus_allowed_list:\t");
	show_cpu_list(m, &t->affinity);
	seq_puts(m, "\nMems_allowed:\t00000000,00000001\nMems_allowed_list:\t0\n");
}

int show_status(struct seq_file *m)
{
	struct thread *t = seq_thread_get(m);
	struct aspace *as;
	struct family f;

	if (!t)
		return -ESRCH;
	read_family(t, &f);
	seq_puts(m, "Name:\t");
	seq_escape(m, t->name, "\\");
	seq_printf(m, "\nUmask:\t%04o\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\n"
		   "TracerPid:\t%d\n",
		   umask_of(t), state_name(f.state), t->process->pid->nr, t->pid->nr,
		   f.parent, f.tracer);
	rcu_read_lock();
	show_groups(m, t->cred);
	seq_puts(m, "FDSize:\t64\nGroups:\t");
	for (uint32_t i = 0; i < t->cred->nr_groups; i++)
		seq_printf(m, "%u ", t->cred->groups[i]);
	rcu_read_unlock();
	show_numbers(m, t, &f);
	as = thread_aspace_get(t);
	if (as) {
		show_memory(m, as);
		aspace_put(as);
	}
	seq_printf(m, "Threads:\t%u\nSigQ:\t%u/%llu\nSigPnd:\t%016llx\nShdPnd:\t%016llx\n"
		   "SigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n",
		   f.threads, t->process->nr_pending,
		   (unsigned long long)process_rlimit(t->process, RLIMIT_SIGPENDING),
		   (unsigned long long)f.pending.v, (unsigned long long)f.shared.v,
		   (unsigned long long)f.blocked.v, (unsigned long long)f.ignored.v,
		   (unsigned long long)f.caught.v);
	seq_printf(m, "CapInh:\t%016x\nCapPrm:\t%016x\nCapEff:\t%016x\nCapBnd:\t%016x\n"
		   "CapAmb:\t%016x\nNoNewPrivs:\t%u\nSeccomp:\t0\nSeccomp_filters:\t0\n"
		   "Speculation_Store_Bypass:\tunknown\nSpeculationIndirectBranch:\tunsupported\n",
		   0, 0, 0, 0, 0, t->process->no_new_privs);
	show_placement(m, t);
	seq_printf(m, "voluntary_ctxt_switches:\t%llu\nnonvoluntary_ctxt_switches:\t%llu\n",
		   (unsigned long long)t->sched.switches_voluntary,
		   (unsigned long long)t->sched.switches_forced);
	thread_put(t);
	return 0;
}

int show_comm(struct seq_file *m)
{
	struct thread *t = seq_thread_get(m);

	if (!t)
		return -ESRCH;
	seq_printf(m, "%s\n", t->name);
	thread_put(t);
	return 0;
}

/* Bytes [start, end) of another address space. */
static int show_user_range(struct seq_file *m, struct aspace *as, uint64_t start, uint64_t end)
{
	char *page = kmalloc(PAGE_SIZE, 0);

	if (!page)
		return -ENOMEM;
	while (start < end) {
		size_t want = min(end - start, (uint64_t)PAGE_SIZE);
		size_t n = aspace_access(as, start, page, want, false, true);

		if (!n)
			break;
		seq_write(m, page, n);
		start += n;
	}
	kfree(page);
	return 0;
}

static int show_strings(struct seq_file *m, bool environment)
{
	struct thread *t = seq_thread_get(m);
	struct aspace *as;
	int err = 0;

	if (!t)
		return -ESRCH;
	as = thread_aspace_get(t);
	if (as) {
		err = environment ? show_user_range(m, as, as->env_start, as->env_end) :
				    show_user_range(m, as, as->arg_start, as->arg_end);
		aspace_put(as);
	}
	thread_put(t);
	return err;
}

int show_cmdline(struct seq_file *m) { return show_strings(m, false); }
int show_environ(struct seq_file *m) { return show_strings(m, true); }

int show_auxv(struct seq_file *m)
{
	struct thread *t = seq_thread_get(m);
	struct aspace *as;

	if (!t)
		return -ESRCH;
	as = thread_aspace_get(t);
	if (as) {
		seq_write(m, as->auxv, min((size_t)as->auxv_len, sizeof(as->auxv)));
		aspace_put(as);
	}
	thread_put(t);
	return 0;
}

static void show_limit(struct seq_file *m, uint64_t value)
{
	size_t start = m->used;

	if (value == RLIM_INFINITY)
		seq_puts(m, "unlimited");
	else
		seq_printf(m, "%llu", (unsigned long long)value);
	seq_pad(m, start, 21);
}

int show_limits(struct seq_file *m)
{
	static const struct { const char *name, *unit; } names[RLIM_NLIMITS] = {
		[RLIMIT_CPU] = { "Max cpu time", "seconds" },
		[RLIMIT_FSIZE] = { "Max file size", "bytes" },
		[RLIMIT_DATA] = { "Max data size", "bytes" },
		[RLIMIT_STACK] = { "Max stack size", "bytes" },
		[RLIMIT_CORE] = { "Max core file size", "bytes" },
		[RLIMIT_RSS] = { "Max resident set", "bytes" },
		[RLIMIT_NPROC] = { "Max processes", "processes" },
		[RLIMIT_NOFILE] = { "Max open files", "files" },
		[RLIMIT_MEMLOCK] = { "Max locked memory", "bytes" },
		[RLIMIT_AS] = { "Max address space", "bytes" },
		[RLIMIT_LOCKS] = { "Max file locks", "locks" },
		[RLIMIT_SIGPENDING] = { "Max pending signals", "signals" },
		[RLIMIT_MSGQUEUE] = { "Max msgqueue size", "bytes" },
		[RLIMIT_NICE] = { "Max nice priority", "" },
		[RLIMIT_RTPRIO] = { "Max realtime priority", "" },
		[RLIMIT_RTTIME] = { "Max realtime timeout", "us" },
	};
	struct thread *t = seq_thread_get(m);

	if (!t)
		return -ESRCH;
	seq_printf(m, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (unsigned int i = 0; i < RLIM_NLIMITS; i++) {
		seq_printf(m, "%-26s", names[i].name);
		show_limit(m, t->process->rlimits[i].rlim_cur);
		show_limit(m, t->process->rlimits[i].rlim_max);
		seq_printf(m, "%-10s\n", names[i].unit);
	}
	thread_put(t);
	return 0;
}

/* Nothing counts transfers yet: the fields are there and say so. */
int show_io(struct seq_file *m)
{
	seq_puts(m, "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\n"
		 "cancelled_write_bytes: 0\n");
	return 0;
}

int show_wchan(struct seq_file *m)
{
	seq_putc(m, '0');
	return 0;
}

int show_syscall(struct seq_file *m)
{
	struct thread *t = seq_thread_get(m);
	struct syscall_view v;

	if (!t)
		return -ESRCH;
	if (!thread_is_user(t)) {
		seq_puts(m, "0 0x0 0x0\n");
	} else if (!thread_syscall_view(t, &v)) {
		seq_puts(m, "running\n");
	} else {
		seq_printf(m, "%lld ", (long long)v.nr);
		for (unsigned int i = 0; v.nr >= 0 && i < 6; i++)
			seq_printf(m, "0x%llx ", (unsigned long long)v.args[i]);
		seq_printf(m, "0x%llx 0x%llx\n", (unsigned long long)v.sp,
			   (unsigned long long)v.pc);
	}
	thread_put(t);
	return 0;
}

int show_coredump_filter(struct seq_file *m)
{
	struct thread *t = seq_thread_get(m);

	if (!t)
		return -ESRCH;
	seq_printf(m, "%08x\n", t->process->coredump_filter);
	thread_put(t);
	return 0;
}

int show_oom_score_adj(struct seq_file *m)
{
	struct thread *t = seq_thread_get(m);

	if (!t)
		return -ESRCH;
	seq_printf(m, "%d\n", t->process->oom_score_adj);
	thread_put(t);
	return 0;
}

int show_personality(struct seq_file *m)
{
	struct thread *t = seq_thread_get(m);

	if (!t)
		return -ESRCH;
	seq_printf(m, "%08x\n", t->process->personality);
	thread_put(t);
	return 0;
}
