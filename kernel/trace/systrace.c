/* SPDX-License-Identifier: MIT */
/*
 * Who is traced, and when lines are printed. Chosen by the boot argument
 *
 *	systrace=all | 1		every user thread
 *	systrace=PID			that process and what it starts
 *	systrace=PATTERN		threads by name; * and ? as in the shell
 *	systrace=...,entry		print each call also when it begins: the one that hangs
 *
 * or by prctl(PR_AEGIS_SYSTRACE). A traced thread has WORK_TRACE in its work word, so that the
 * others pay nothing. The line is printed when the call ends; calls that do not come back, or that
 * replace the memory that their arguments are in, are printed when they begin.
 */
#include <arch/regs.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/process.h>
#include <kernel/spinlock.h>
#include <kernel/systrace.h>
#include <lib/list.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/uaccess.h>
#include <uapi/prctl.h>

/* thread.trace_state: why a thread is traced. WORK_TRACE is set while any bit is. */
#define TRACE_SELF	1u
#define TRACE_INHERIT	2u	/* children are traced too */
#define TRACE_BY_NAME	4u

/* [I] after the first thread: what the boot argument asked for. */
static struct {
	bool entry;
	bool all;
	int pid;
	char pattern[THREAD_NAME_MAX * 2];
} config;

/*
 * Does @name match @pattern (* and ?)? Iterative: one star is remembered, so time is len * len at
 * most.
 */
static bool name_matches(const char *pattern, const char *name)
{
	const char *star = NULL, *resume = NULL;

	while (*name) {
		if (*pattern == '*') {
			star = pattern++;
			resume = name;
		} else if (*pattern == '?' || *pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star + 1;
			name = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static void trace_set(struct thread *t, uint64_t set, uint64_t clear)
{
	uint64_t state = (__atomic_load_n(&t->trace_state, __ATOMIC_RELAXED) & ~clear) | set;

	__atomic_store_n(&t->trace_state, state, __ATOMIC_RELAXED);
	if (state)
		thread_set_work(t, WORK_TRACE);
	else
		thread_clear_work(t, WORK_TRACE);
}

void systrace_thread_created(struct thread *child, const struct thread *parent)
{
	uint64_t state = __atomic_load_n(&parent->trace_state, __ATOMIC_RELAXED);
	bool same_process = child->process == parent->process;

	if (!(state & TRACE_INHERIT) && !same_process)
		state = 0;
	/*
	 * Process numbers are given once and never change, so the number is looked at here alone.
	 */
	if (config.all || (config.pid && child->pid->nr == config.pid))
		state |= TRACE_SELF | TRACE_INHERIT;
	child->trace_state = 0;
	trace_set(child, state & (TRACE_SELF | TRACE_INHERIT), 0);
	systrace_thread_named(child);
}

void systrace_thread_named(struct thread *t)
{
	if (!config.pattern[0])
		return;
	if (name_matches(config.pattern, t->name))
		trace_set(t, TRACE_BY_NAME, 0);
	else
		trace_set(t, 0, TRACE_BY_NAME);
}

long systrace_prctl(int option, unsigned long mode, unsigned long arg3, unsigned long arg4,
		    unsigned long arg5)
{
	uint64_t set = mode == PR_AEGIS_SYSTRACE_OFF ? 0 : TRACE_SELF;
	struct thread *t;

	if (option != PR_AEGIS_SYSTRACE || mode > PR_AEGIS_SYSTRACE_CHILDREN || arg3 || arg4 ||
	    arg5)
		return -EINVAL;
	if (mode == PR_AEGIS_SYSTRACE_CHILDREN)
		set |= TRACE_INHERIT;
	spin_lock(&tasklist_lock);
	list_for_each_entry(t, &current_process()->threads, process_node)
		trace_set(t, set, TRACE_SELF | TRACE_INHERIT | TRACE_BY_NAME);
	spin_unlock(&tasklist_lock);
	return 0;
}

bool trace_read_user(void *dst, uint64_t addr, size_t len)
{
	return copy_from_user(dst, UADDR(addr), len) == 0;
}

static void line_begin(struct trace_line *line)
{
	const struct thread *t = current_thread();

	line->len = scnprintf(line->text, sizeof(line->text), "systrace: %s[%d] ", t->name,
			      t->pid->nr);
}

/* Must be printed when it begins: it does not return, or its arguments' memory goes away. */
static bool is_early(uint64_t nr)
{
	const struct syscall_desc *desc = syscall_desc_find(nr);
	bool replaces = nr == __NR_execve || nr == __NR_execveat || nr == __NR_rt_sigreturn;

	return replaces || (desc && desc->result == RESULT_NONE);
}

void systrace_enter(struct trace_call *call, struct regs *regs, uint64_t nr)
{
	struct trace_line line;

	call->nr = nr;
	for (unsigned int i = 0; i < SYSCALL_MAX_ARGS; i++)
		call->args[i] = regs_syscall_arg(regs, i);
	if (!config.entry && !is_early(nr))
		return;
	line_begin(&line);
	trace_format_call(&line, call, false, 0);
	log_info("%s ...", line.text);
}

void systrace_exit(const struct trace_call *call, long result)
{
	const struct syscall_desc *desc = syscall_desc_find(call->nr);
	struct trace_line line;

	line_begin(&line);
	if (is_early(call->nr))
		line.len += scnprintf(line.text + line.len, sizeof(line.text) - line.len, "... %s",
				      desc->name);
	else
		trace_format_call(&line, call, true, result);
	trace_format_result(&line, call->nr, result);
	log_info("%s", line.text);
}

/* "all", a number or a pattern, then ",entry". */
static int systrace_init(void)
{
	const char *arg = boot_arg("systrace");
	size_t len = arg ? strcspn(arg, ",") : 0;

	if (!arg)
		return 0;
	config.entry = str_eq(arg + len, ",entry");
	if (arg[len] && !config.entry)
		log_warn("systrace: unknown option %s", arg + len);
	if (len == 0 || (len == 1 && arg[0] == '1') || (len == 3 && strncmp(arg, "all", 3) == 0)) {
		config.all = true;
	} else if (strspn(arg, "0123456789") >= len) {
		for (size_t i = 0; i < len && config.pid < 100000000; i++)
			config.pid = config.pid * 10 + (arg[i] - '0');
	} else if (len < sizeof(config.pattern)) {
		memcpy(config.pattern, arg, len);
	} else {
		log_warn("systrace: the pattern is longer than a name can be");
	}
	return 0;
}
INITCALL(INIT_CORE, systrace_init);
