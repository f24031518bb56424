/* SPDX-License-Identifier: MIT */
/*
 * System-call dispatch: the hottest path of the kernel. The fast path is one test of the thread's
 * work word, one bounds check, one table load, one capability-word test and a jump to the call,
 * whose return value the port's entry code stores: nothing is left to do after it, so no register
 * has to be saved here. What must happen before user mode is entered again is the port's exit path.
 * Everything that watches calls (the tracer, ptrace) is behind the work word, in syscall_watched().
 */
#include <arch/regs.h>
#include <arch/upcalls.h>
#include <kernel/preempt.h>
#include <kernel/syscall.h>
#include <kernel/systrace.h>
#include <security/cap.h>

#define WORK_WATCHED	(WORK_TRACE | WORK_PTRACE)

_Static_assert((SYSCALL_TABLE_SIZE & (SYSCALL_TABLE_SIZE - 1)) == 0,
	       "the index mask needs a power of two");

static const struct syscall_stops *stops;	/* [I] after boot */

/* Classes are missing from the word: the general check decides. */
static __noinline long dispatch_checked(struct regs *regs, const struct syscall_entry *entry,
					uint64_t missing)
{
	int err = cap_check(missing);

	return err ? err : entry->call(regs);
}

static __always_inline long dispatch(struct regs *regs, uint64_t nr, const struct thread_core *core)
{
	const struct syscall_entry *entry;
	uint64_t missing;

	if (unlikely(nr >= SYSCALL_TABLE_SIZE))
		return -ENOSYS;
	/*
	 * A mispredicted test above must not read beyond the table: the compiler may not see that
	 * nr is small.
	 */
	entry = &syscall_table[opaque_value(nr) & (SYSCALL_TABLE_SIZE - 1)];
	missing = entry->caps & ~__atomic_load_n(&core->cap_word, __ATOMIC_RELAXED);
	if (unlikely(missing))
		return dispatch_checked(regs, entry, missing);
	return entry->call(regs);
}

long syscall_dispatch(struct regs *regs, uint64_t nr)
{
	return dispatch(regs, nr, current_core());
}

static uint64_t call_number(const struct regs *regs)
{
	return (uint32_t)regs_syscall_nr(regs);	/* the upper half of the register does not count */
}

static bool is_watched(uint32_t bit)
{
	return __atomic_load_n(&current_core()->work, __ATOMIC_RELAXED) & bit;
}

static __noinline long syscall_watched(struct regs *regs)
{
	bool traced = is_watched(WORK_TRACE);
	struct trace_call call;
	bool run = true;

	if (is_watched(WORK_PTRACE) && stops)
		run = stops->enter(regs);
	if (traced)
		systrace_enter(&call, regs, call_number(regs));
	if (run)
		regs_set_return(regs, dispatch(regs, call_number(regs), current_core()));
	if (traced)
		systrace_exit(&call, (long)regs_return(regs));
	if (is_watched(WORK_PTRACE) && stops)
		stops->exit(regs);
	return (long)regs_return(regs);		/* the tracer may have changed it */
}

long syscall_upcall(struct regs *regs)
{
	const struct thread_core *core = current_core();

	if (unlikely(__atomic_load_n(&core->work, __ATOMIC_RELAXED) & WORK_WATCHED))
		return syscall_watched(regs);
	return dispatch(regs, call_number(regs), core);
}

void syscall_stops_register(const struct syscall_stops *s)
{
	stops = s;
}
