/* SPDX-License-Identifier: MIT */
/*
 * The slow path of the dispatcher's capability test: a class that is missing from the thread's word
 * is looked for in the process's table, and its absence is logged with a reason.
 */
#include <arch/regs.h>
#include <arch/thread.h>
#include <generated/cap_classes.h>
#include <kernel/clock.h>
#include <kernel/log.h>
#include <kernel/process.h>
#include <kernel/systrace.h>
#include <lib/printf.h>
#include <security/cap.h>

#define BURST		10u		/* denials logged in one period */
#define PERIOD_NS	(5 * NSEC_PER_SEC)

static struct {
	int64_t start_ns;		/* [A] of the present period */
	uint32_t logged;		/* [A] in it */
	uint32_t lost;			/* [A] denials not logged */
} rate;

/*
 * May one more line be written?  Two CPUs that start a period at once let a few lines more through.
 */
static bool rate_allows(void)
{
	int64_t now = clock_ns(), start = __atomic_load_n(&rate.start_ns, __ATOMIC_RELAXED);
	uint32_t lost;

	if (now - start >= PERIOD_NS &&
	    __atomic_compare_exchange_n(&rate.start_ns, &start, now, false,
					__ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
		__atomic_store_n(&rate.logged, 0, __ATOMIC_RELAXED);
		lost = __atomic_exchange_n(&rate.lost, 0, __ATOMIC_RELAXED);
		if (lost)
			log_warn("cap: %u denials were not logged", lost);
	}
	if (__atomic_fetch_add(&rate.logged, 1, __ATOMIC_RELAXED) < BURST)
		return true;
	__atomic_fetch_add(&rate.lost, 1, __ATOMIC_RELAXED);
	return false;
}

static const char *const class_names[CAP_CLASS_COUNT] = {
#define NAME(bit, kind, right) [bit] = kind ":" right,
	CAP_CLASSES(NAME)
#undef NAME
};

/* The only reason there is so far: no slot of the table holds the class. */
static void log_denial(uint64_t missing)
{
	struct thread *t = current_thread();
	uint64_t nr = (uint32_t)regs_syscall_nr(arch_user_regs(t));
	const struct syscall_desc *call = IS_ENABLED(CONFIG_SYSTRACE) ? syscall_desc_find(nr) :
		NULL;
	char classes[64];
	size_t used = 0;

	for (unsigned int i = 0; i < CAP_CLASS_COUNT && used < sizeof(classes); i++)
		if (missing >> i & 1)
			used += (size_t)snprintf(classes + used, sizeof(classes) - used, "%s%s",
						 used ? "+" : "", class_names[i]);
	log_warn("cap: denied: %s (call %llu) needs %s, which %s[%d] does not hold (no-slot)",
		 call ? call->name : "?", (unsigned long long)nr, classes, t->name, t->pid->nr);
}

/*
 * The word was out of date: the table decides.  Another thread may drop classes and clear them in
 * all words meanwhile; a word stored after that from a table read before would bring them back.  So
 * look again after the store.
 */
static void word_refresh(void)
{
	uint64_t word, *slot = &current_thread()->core.cap_word;

	do {
		word = cap_process_word(current_process());
		__atomic_store_n(slot, word, __ATOMIC_SEQ_CST);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	} while (word != cap_process_word(current_process()));
}

int cap_check(uint64_t classes)
{
	uint64_t missing = classes & ~cap_process_word(current_process());

	if (!missing) {
		word_refresh();
		return 0;
	}
	if (rate_allows())
		log_denial(missing);
	return -EPERM;
}
