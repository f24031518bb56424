/* SPDX-License-Identifier: MIT */
/*
 * Out of memory: end one process, so that the machine goes on.
 *
 * The victim is killed with SIGKILL and may use the reserve from then on (signal_is_fatal_pending()
 * in the page allocator), so it can always reach its end.  While a victim is dying no other is
 * chosen, for a bounded time: it may be stuck behind a lock that the allocating thread holds.
 */
#include <kernel/clock.h>
#include <kernel/log.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <lib/minmax.h>
#include <mm/aspace.h>
#include <mm/page.h>

#define VICTIM_TIME_NS	(200 * NSEC_PER_MSEC)
#define ADJ_MIN		(-1000)

static struct spinlock oom_lock = SPINLOCK_INIT(HASH);
static int64_t victim_deadline_ns;	/* [L] oom_lock */

/* Badness in pages; -1: not to be killed. */
static int64_t badness(struct process *p, uint64_t total)
{
	struct thread *t = p->leader;
	int32_t adj = READ_ONCE(p->oom_score_adj);
	struct aspace *as;
	int64_t points = 0;

	if (p == init_process || p->state != PROCESS_ALIVE || adj == ADJ_MIN || !t)
		return -1;
	/*
	 * The leader may have exited before its threads: any of them shows the address space.  It
	 * may be going away at this moment; its numbers are only read, and slab memory stays
	 * readable.
	 */
	list_for_each_entry(t, &p->threads, process_node) {
		as = READ_ONCE(t->aspace);
		if (!as)
			continue;
		points = (int64_t)aspace_rss(as) + READ_ONCE(as->table_pages);
		break;
	}
	if (!points)
		return -1;
	points += (int64_t)(total / 1000) * adj;
	return max(points, (int64_t)1);
}

unsigned int oom_score(struct process *p)
{
	struct page_stats s;
	int64_t points;

	page_stats(&s);
	spin_lock(&tasklist_lock);
	points = badness(p, s.total);
	spin_unlock(&tasklist_lock);
	if (points < 0 || !s.total)
		return 0;
	/* Linux's scale: two thirds of the way from 1000, in thousandths of all memory. */
	return (unsigned int)((1000 + points * 1000 / (int64_t)s.total) * 2 / 3);
}

/* The process with the largest badness: a reference, or NULL. */
static struct process *victim_get(int64_t *points)
{
	struct process *p, *worst = NULL;
	struct page_stats s;

	*points = -1;
	page_stats(&s);
	spin_lock(&tasklist_lock);
	list_for_each_entry(p, &process_list, all_node) {
		int64_t b = badness(p, s.total);

		if (b > *points) {
			*points = b;
			worst = p;
		}
	}
	if (worst)
		process_ref(worst);
	spin_unlock(&tasklist_lock);
	return worst;
}

bool oom_kill(void)
{
	int64_t now = clock_ns(), points;
	struct process *victim;

	spin_lock(&oom_lock);
	if (now < victim_deadline_ns) {
		spin_unlock(&oom_lock);
		return true;
	}
	victim_deadline_ns = now + VICTIM_TIME_NS;
	spin_unlock(&oom_lock);
	victim = victim_get(&points);
	if (!victim)
		return false;
	log_warn("mm: out of memory: killed process %d, %ld KiB resident", victim->pid->nr,
		 (long)points * 4);
	(void)signal_send_process(victim, SIGKILL, NULL);
	process_put(victim);
	return true;
}
