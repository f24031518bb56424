/* SPDX-License-Identifier: MIT */
/*
 * Counts of what devices did: /proc/diskstats, /proc/partitions, the block half of /proc/devices.
 *
 * A bio is counted on its device and, for a partition, on the whole disk; each CPU has its own
 * counters.  busy_ms follows Linux: it grows by the time since the last event while something is in
 * flight, in steps of a millisecond.
 */
#include <fs/procfs.h>
#include <kernel/clock.h>
#include <kernel/percpu.h>
#include <lib/minmax.h>
#include <mm/slab.h>
#include <uapi/major.h>

#include "internal.h"

struct block_stats *stats_alloc(void)
{
	return kzalloc(sizeof(struct block_stats) + nr_cpus * sizeof(struct block_cpu_stats), 0);
}

static enum stat_group group_of(const struct bio *bio)
{
	switch (bio->op) {
	case BIO_READ:
		return STAT_READ;
	case BIO_WRITE:
	case BIO_WRITE_ZEROES:
		return STAT_WRITE;
	case BIO_DISCARD:
		return STAT_DISCARD;
	case BIO_FLUSH:
		return STAT_FLUSH;
	}
	return STAT_WRITE;
}

/* Time has come to @now_ms; @was_busy: something was in flight up to now. */
static void advance_busy(struct block_stats *s, uint64_t now_ms, bool was_busy)
{
	uint64_t stamp = READ_ONCE(s->stamp_ms);

	if (stamp >= now_ms || !try_cmpxchg(&s->stamp_ms, &stamp, now_ms))
		return;
	__atomic_fetch_add(&s->busy_ms, was_busy ? now_ms - stamp : 1, __ATOMIC_RELAXED);
}

static void start_one(struct block_device *dev, const struct bio *bio, uint64_t now_ms)
{
	struct block_stats *s = dev->stats;

	s->cpu[this_cpu_id()].inflight[bio->op != BIO_READ]++;
	advance_busy(s, now_ms, false);
}

static void end_one(struct block_device *dev, const struct bio *bio, int64_t now)
{
	struct block_cpu_stats *c = &dev->stats->cpu[this_cpu_id()];
	enum stat_group g = group_of(bio);

	c->inflight[bio->op != BIO_READ]--;
	c->ios[g] += !bio->merged;
	c->merges[g] += bio->merged;
	c->sectors[g] += bio->nr_sectors;
	c->ns[g] += (uint64_t)(now - bio->start_ns);
	advance_busy(dev->stats, (uint64_t)now / NSEC_PER_MSEC, true);
}

/* Counters are changed in interrupts as well. */
void stats_start(struct bio *bio)
{
	uint64_t now_ms = (uint64_t)bio->start_ns / NSEC_PER_MSEC;
	unsigned long flags = arch_irq_save();

	start_one(bio->dev, bio, now_ms);
	if (bio->dev->part)
		start_one(bio->dev->disk->whole, bio, now_ms);
	arch_irq_restore(flags);
}

void stats_end(struct bio *bio)
{
	int64_t now = clock_ns();
	unsigned long flags = arch_irq_save();

	end_one(bio->dev, bio, now);
	if (bio->dev->part)
		end_one(bio->dev->disk->whole, bio, now);
	arch_irq_restore(flags);
}

static void sum_up(const struct block_device *dev, struct block_cpu_stats *sum)
{
	*sum = (struct block_cpu_stats){ 0 };
	for_each_cpu(cpu) {
		const struct block_cpu_stats *c = &dev->stats->cpu[cpu];

		for (int g = 0; g < STAT_GROUPS; g++) {
			sum->ios[g] += READ_ONCE(c->ios[g]);
			sum->merges[g] += READ_ONCE(c->merges[g]);
			sum->sectors[g] += READ_ONCE(c->sectors[g]);
			sum->ns[g] += READ_ONCE(c->ns[g]);
		}
		sum->inflight[0] += READ_ONCE(c->inflight[0]);
		sum->inflight[1] += READ_ONCE(c->inflight[1]);
	}
}

static unsigned long long ms(uint64_t ns)
{
	return ns / NSEC_PER_MSEC;
}

static void show_group(struct seq_file *m, const struct block_cpu_stats *s, enum stat_group g)
{
	seq_printf(m, " %llu %llu %llu %llu", (unsigned long long)s->ios[g],
		   (unsigned long long)s->merges[g], (unsigned long long)s->sectors[g],
		   ms(s->ns[g]));
}

static void show_stats(struct block_device *dev, void *arg)
{
	struct block_cpu_stats s;
	struct seq_file *m = arg;
	uint64_t all = 0;

	sum_up(dev, &s);
	for (int g = 0; g < STAT_GROUPS; g++)
		all += s.ns[g];
	seq_printf(m, "%4u %7u %s", DEV_MAJOR(dev->dev), DEV_MINOR(dev->dev), dev->name);
	show_group(m, &s, STAT_READ);
	show_group(m, &s, STAT_WRITE);
	seq_printf(m, " %lld %llu %llu", (long long)max(s.inflight[0] + s.inflight[1], (int64_t)0),
		   (unsigned long long)READ_ONCE(dev->stats->busy_ms), ms(all));
	show_group(m, &s, STAT_DISCARD);
	seq_printf(m, " %llu %llu\n", (unsigned long long)s.ios[STAT_FLUSH], ms(s.ns[STAT_FLUSH]));
}

static int diskstats_show(struct seq_file *m)
{
	block_for_each(show_stats, m);
	return 0;
}

static void show_partition(struct block_device *dev, void *arg)
{
	/* Empty drives and unused loop devices are not listed. */
	if (dev->nr_sectors)
		seq_printf(arg, "%4u  %7u %10llu %s\n", DEV_MAJOR(dev->dev), DEV_MINOR(dev->dev),
			   (unsigned long long)dev->nr_sectors / 2, dev->name);
}

static int partitions_show(struct seq_file *m)
{
	seq_puts(m, "major minor  #blocks  name\n\n");
	block_for_each(show_partition, m);
	return 0;
}

static const struct { uint32_t major; const char *name; } majors[] = {
	{ RAMDISK_MAJOR, "ramdisk" }, { LOOP_MAJOR, "loop" }, { SCSI_DISK0_MAJOR, "sd" },
	{ VIRTBLK_MAJOR, "virtblk" }, { BLOCK_EXT_MAJOR, "blkext" },
};

void block_show_majors(struct seq_file *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(majors); i++)
		seq_printf(m, "%3u %s\n", majors[i].major, majors[i].name);
}

int stats_init(void)
{
	int err = proc_register(&(struct proc_entry){
		.name = "diskstats", .show = diskstats_show });

	return err ? err : proc_register(&(struct proc_entry){
		.name = "partitions", .show = partitions_show });
}
