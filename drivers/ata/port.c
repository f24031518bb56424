/* SPDX-License-Identifier: MIT */
/*
 * A SATA port and the disk behind it: commands, completion, recovery.
 *
 * Native queuing (FPDMA) is used where both sides have it; queued and plain commands (FLUSH,
 * DATA SET MANAGEMENT) never run together: who comes at the wrong time is put back (-EBUSY) and
 * comes first again after the next completion.
 *
 * The queued FUA bit is not used: too many devices take it and do not heed it; flush sequences do.
 *
 * Errors.  The device stops and drops all its commands.  kblockd resets the link (COMRESET) and
 * gives all requests to it again, one at a time; the one that fails alone is the culprit and ends
 * with -EIO.  A link that does not come back is a disk that was pulled out.
 */
#include <kernel/clock.h>
#include <kernel/sched.h>
#include <lib/atomic.h>
#include <lib/bits.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>

#include "ahci.h"

#define STOP_NS		(500 * NSEC_PER_MSEC)
#define LINK_NS		(15 * NSEC_PER_MSEC)	/* a device answers a reset within 10 */
#define READY_NS	(10 * NSEC_PER_SEC)	/* spinning up */
#define COMMAND_NS	(5 * NSEC_PER_SEC)

/* False: the bits did not become @want in time. */
static bool wait_bits(struct ahci_port *p, uint32_t reg, uint32_t mask, uint32_t want,
		      int64_t limit_ns)
{
	int64_t deadline = clock_deadline(limit_ns);

	while ((mmio_read32(&p->regs, reg) & mask) != want) {
		if (clock_ns() > deadline)
			return (mmio_read32(&p->regs, reg) & mask) == want;
		sleep_ns(NSEC_PER_MSEC / 4);
	}
	return true;
}

void ahci_port_stop(struct ahci_port *p)
{
	uint32_t cmd = mmio_read32(&p->regs, PORT_CMD);

	if (cmd == REG_NOBODY)
		return;
	mmio_write32(&p->regs, PORT_IE, 0);
	mmio_write32(&p->regs, PORT_CMD, cmd & ~CMD_START);
	(void)wait_bits(p, PORT_CMD, CMD_RUNNING, 0, STOP_NS);
	cmd = mmio_read32(&p->regs, PORT_CMD);
	mmio_write32(&p->regs, PORT_CMD, cmd & ~CMD_FIS_RECEIVE);
	(void)wait_bits(p, PORT_CMD, CMD_FIS_RUNNING, 0, STOP_NS);
}

/* Tell the port its memory and let it look for a device. */
void ahci_port_power(struct ahci_port *p)
{
	dma_addr_t headers = p->mem_dma;
	dma_addr_t fis = dma_addr_add(p->mem_dma, offset_of(struct ahci_memory, fis));

	mmio_write32(&p->regs, PORT_CLB, (uint32_t)headers.v);
	mmio_write32(&p->regs, PORT_CLBU, (uint32_t)(headers.v >> 32));
	mmio_write32(&p->regs, PORT_FB, (uint32_t)fis.v);
	mmio_write32(&p->regs, PORT_FBU, (uint32_t)(fis.v >> 32));
	mmio_write32(&p->regs, PORT_CMD, CMD_SPIN_UP | CMD_POWER | CMD_FIS_RECEIVE);
}

static void comreset(struct ahci_port *p)
{
	uint32_t control = mmio_read32(&p->regs, PORT_SCTL) & ~0xfu;

	mmio_write32(&p->regs, PORT_SCTL, control | 1);
	sleep_ns(NSEC_PER_MSEC);
	mmio_write32(&p->regs, PORT_SCTL, control);
}

int ahci_port_start(struct ahci_port *p)
{
	ahci_port_power(p);
	comreset(p);
	if (!wait_bits(p, PORT_SSTS, 0xf, LINK_UP, LINK_NS))
		return -ENODEV;
	mmio_write32(&p->regs, PORT_SERR, ~0u);
	mmio_write32(&p->regs, PORT_IS, ~0u);
	if (!wait_bits(p, PORT_TFD, TFD_BSY | TFD_DRQ, 0, READY_NS))
		return ahci_port_has_link(p) ? -EIO : -ENODEV;
	mmio_write32(&p->regs, PORT_CMD, mmio_read32(&p->regs, PORT_CMD) | CMD_START);
	return 0;
}

/* A command for the device, as the FIS that carries it. */
struct taskfile {
	uint8_t command;
	uint16_t features, count;
	uint64_t lba;
};

static void write_fis(struct ahci_table *t, const struct taskfile *tf)
{
	uint8_t *f = t->fis;

	memset(f, 0, 20);
	f[0] = FIS_HOST_TO_DEVICE;
	f[1] = FIS_IS_COMMAND;
	f[2] = tf->command;
	f[3] = (uint8_t)tf->features;
	f[11] = (uint8_t)(tf->features >> 8);
	for (unsigned int i = 0; i < 3; i++) {
		f[4 + i] = (uint8_t)(tf->lba >> 8 * i);
		f[8 + i] = (uint8_t)(tf->lba >> (24 + 8 * i));
	}
	f[7] = DEVICE_LBA;
	put_le16(f + 12, tf->count);
}

static void write_seg(struct ahci_table *t, unsigned int i, dma_addr_t addr, uint32_t len)
{
	t->segs[i].addr = cpu_to_le32((uint32_t)addr.v);
	t->segs[i].addr_high = cpu_to_le32((uint32_t)(addr.v >> 32));
	t->segs[i].reserved = cpu_to_le32(0);
	t->segs[i].bytes = cpu_to_le32(len - 1);
}

static void write_header(struct ahci_port *p, unsigned int slot, uint32_t flags, uint32_t nr_segs)
{
	struct ahci_header *h = &p->mem->headers[slot];
	dma_addr_t table = dma_addr_add(p->mem_dma, offset_of(struct ahci_memory, tables) +
					slot * sizeof(struct ahci_table));

	h->flags = cpu_to_le32(HEADER_FIS_WORDS | flags | nr_segs << 16);
	h->bytes = cpu_to_le32(0);
	h->table = cpu_to_le32((uint32_t)table.v);
	h->table_high = cpu_to_le32((uint32_t)(table.v >> 32));
}

static dma_addr_t block_dma(struct ahci_port *p, unsigned int slot)
{
	return dma_addr_add(p->mem_dma, offset_of(struct ahci_memory, blocks) + slot * 512);
}

/* Words of text, each with its bytes swapped. */
static void text_field(char *out, const uint8_t *page, unsigned int word, unsigned int nr_words)
{
	size_t len = 2 * nr_words;

	for (size_t i = 0; i < len; i++) {
		char c = (char)page[2 * word + (i ^ 1)];

		out[i] = c >= 0x20 && c < 0x7f ? c : ' ';
	}
	while (len && out[len - 1] == ' ')
		len--;
	out[len] = '\0';
	while (out[0] == ' ')
		memmove(out, out + 1, strlen(out));
}

static uint16_t word(const uint8_t *page, unsigned int i)
{
	return get_le16(page + 2 * i);
}

/* ACS-2, 7.12.7.  -ENODEV: a device that we cannot use. */
static int parse_identity(struct ahci_port *p)
{
	const uint8_t *page = p->mem->blocks[0];
	uint16_t sizes = word(page, 106);

	if (!(word(page, 83) & 1u << 10))
		return -ENODEV;		/* no 48-bit addresses: of the last century */
	text_field(p->serial, page, 10, 10);
	text_field(p->model, page, 27, 20);
	p->nr_blocks = get_le64(page + 200) & 0xffffffffffffULL;
	p->logical_size = SECTOR_SIZE;
	if ((sizes & 0xc000) == 0x4000 && sizes & 1u << 12)
		p->logical_size = get_le32(page + 234) * 2;
	p->physical_size = p->logical_size;
	if ((sizes & 0xc000) == 0x4000 && sizes & 1u << 13)
		p->physical_size = p->logical_size << min(sizes & 0xf, 8);
	p->has_ncq = p->hba->cap & CAP_NCQ && word(page, 76) & 1u << 8;
	p->depth = min(CAP_SLOTS(p->hba->cap), (word(page, 75) & 0x1fu) + 1);
	p->has_trim = word(page, 169) & 1;
	p->has_cache = word(page, 85) & 1u << 5;
	p->is_rotational = word(page, 217) != 1;
	if (p->logical_size < SECTOR_SIZE || p->logical_size > 4096 ||
	    p->logical_size & (p->logical_size - 1) || !p->nr_blocks)
		return -ENODEV;
	return 0;
}

/* Without interrupts, before there is a disk. */
int ahci_port_identify(struct ahci_port *p)
{
	if (mmio_read32(&p->regs, PORT_SIG) != SIGNATURE_ATA)
		return -ENODEV;
	write_fis(&p->mem->tables[0], &(struct taskfile){ .command = ATA_IDENTIFY });
	write_seg(&p->mem->tables[0], 0, block_dma(p, 0), 512);
	write_header(p, 0, 0, 1);
	mmio_write32(&p->regs, PORT_CI, 1);
	if (!wait_bits(p, PORT_CI, 1, 0, COMMAND_NS))
		return -ETIMEDOUT;
	if (mmio_read32(&p->regs, PORT_TFD) & TFD_ERR)
		return -EIO;
	return parse_identity(p);
}

static uint64_t to_blocks(const struct ahci_port *p, uint64_t sectors)
{
	return sectors / (p->logical_size / SECTOR_SIZE);
}

/* TRIM: a block of up to 64 ranges of up to 65535 blocks. */
static void write_trim(struct ahci_port *p, struct request *rq)
{
	uint8_t *ranges = p->mem->blocks[rq->tag];
	uint64_t at = to_blocks(p, rq->sector), left = to_blocks(p, rq->nr_sectors);

	memset(ranges, 0, 512);
	for (unsigned int i = 0; i < 64 && left; i++) {
		uint64_t n = min(left, (uint64_t)0xffff);

		put_le64(ranges + 8 * i, at | n << 48);
		at += n;
		left -= n;
	}
}

static void write_data(struct ahci_port *p, struct request *rq)
{
	struct taskfile tf = { .lba = to_blocks(p, rq->sector) };
	uint16_t count = (uint16_t)to_blocks(p, rq->nr_sectors);
	bool is_read = rq->op == BIO_READ;

	if (p->has_ncq) {
		tf.command = is_read ? ATA_READ_FPDMA : ATA_WRITE_FPDMA;
		tf.features = count;
		tf.count = (uint16_t)(rq->tag << 3);
	} else {
		tf.command = is_read ? ATA_READ_EXT : ATA_WRITE_EXT;
		tf.count = count;
	}
	write_fis(&p->mem->tables[rq->tag], &tf);
	for (uint32_t i = 0; i < rq->nr_segs; i++)
		write_seg(&p->mem->tables[rq->tag], i, rq->segs[i].dma, rq->segs[i].len);
	write_header(p, rq->tag, is_read ? 0 : HEADER_WRITE, rq->nr_segs);
}

static void write_plain(struct ahci_port *p, struct request *rq)
{
	struct ahci_table *t = &p->mem->tables[rq->tag];

	if (rq->op == BIO_FLUSH) {
		write_fis(t, &(struct taskfile){ .command = ATA_FLUSH_EXT });
		write_header(p, rq->tag, 0, 0);
		return;
	}
	write_trim(p, rq);
	write_fis(t, &(struct taskfile){ .command = ATA_DATASET, .features = 1, .count = 1 });
	write_seg(t, 0, block_dma(p, rq->tag), 512);
	write_header(p, rq->tag, HEADER_WRITE, 1);
}

static bool is_queued(const struct ahci_port *p, const struct request *rq)
{
	return p->has_ncq && (rq->op == BIO_READ || rq->op == BIO_WRITE);
}

/* May @rq start beside what is in flight? */
static int admit_locked(struct ahci_port *p, const struct request *rq)
{
	uint32_t busy = p->queued | p->plain;

	if (p->is_stopped)
		return -EBUSY;
	if (p->one_by_one && busy)
		return -EBUSY;
	return (is_queued(p, rq) ? p->plain : p->queued) ? -EBUSY : 0;
}

static int ahci_queue_request(struct request *rq)
{
	struct ahci_port *p = rq->queue->disk->priv;
	unsigned long flags;
	int err = request_map(rq);

	if (err)
		return err;
	flags = spin_lock_irqsave(&p->lock);
	err = admit_locked(p, rq);
	if (!err) {
		if (rq->op == BIO_READ || rq->op == BIO_WRITE)
			write_data(p, rq);
		else
			write_plain(p, rq);
		*(is_queued(p, rq) ? &p->queued : &p->plain) |= 1u << rq->tag;
		p->built |= 1u << rq->tag;
	}
	spin_unlock_irqrestore(&p->lock, flags);
	return err;
}

static void ahci_commit(struct disk_queue *dq)
{
	struct ahci_port *p = dq->disk->priv;
	unsigned long flags = spin_lock_irqsave(&p->lock);

	if (p->built && !p->is_stopped) {
		if (p->built & p->queued)
			mmio_write32(&p->regs, PORT_SACT, p->built & p->queued);
		mmio_write32(&p->regs, PORT_CI, p->built);
		p->built = 0;
	}
	spin_unlock_irqrestore(&p->lock, flags);
}

/* What was in flight and is not any more; lock held. */
static uint32_t take_done_locked(struct ahci_port *p)
{
	uint32_t sact = mmio_read32(&p->regs, PORT_SACT), ci = mmio_read32(&p->regs, PORT_CI);
	uint32_t active = sact | ci | p->built;
	uint32_t done = (p->queued | p->plain) & ~active;

	p->queued &= ~done;
	p->plain &= ~done;
	p->one_by_one -= min(p->one_by_one, popcount64(done));
	return done;
}

static void end_slots(struct ahci_port *p, uint32_t slots, int status)
{
	while (slots) {
		unsigned int slot = (unsigned int)__builtin_ctz(slots);
		struct request *rq = disk_request_find(&p->disk->queues[0], slot);

		slots &= slots - 1;
		if (rq)
			block_request_done(rq, status);
	}
}

void ahci_port_interrupt(struct ahci_port *p)
{
	unsigned long flags = spin_lock_irqsave(&p->lock);
	uint32_t cause = mmio_read32(&p->regs, PORT_IS), done;
	bool broken;

	mmio_write32(&p->regs, PORT_IS, cause);
	broken = cause & PORT_INT_ERROR || (cause & PORT_INT_LINK && !ahci_port_has_link(p));
	/* After an error SACT and CI tell nothing about who was done: 6.2.2. */
	done = p->is_stopped || broken ? 0 : take_done_locked(p);
	if (broken)
		p->is_stopped = true;
	spin_unlock_irqrestore(&p->lock, flags);
	if (!p->disk)
		return;
	end_slots(p, done, 0);
	if (broken)
		disk_recover(p->disk);
}

/* All that is in flight is forgotten; the culprit if it is known: it was alone. */
static struct request *forget_all(struct ahci_port *p)
{
	unsigned long flags = spin_lock_irqsave(&p->lock);
	uint32_t slots = p->queued | p->plain;
	struct request *culprit = NULL;

	if (slots && !(slots & (slots - 1)))
		culprit = disk_request_find(&p->disk->queues[0], (uint32_t)__builtin_ctz(slots));
	p->one_by_one = culprit ? 0 : popcount64(slots);
	p->queued = p->plain = p->built = 0;
	spin_unlock_irqrestore(&p->lock, flags);
	return culprit;
}

static void resume(struct ahci_port *p)
{
	unsigned long flags = spin_lock_irqsave(&p->lock);

	p->is_stopped = false;
	spin_unlock_irqrestore(&p->lock, flags);
	mmio_write32(&p->regs, PORT_IE, PORT_INT_DONE | PORT_INT_ERROR | PORT_INT_LINK);
	disk_resume(p->disk);
}

/* kblockd: after an error, or because p->late is late. */
static void ahci_recover(struct disk *d)
{
	struct ahci_port *p = d->priv;
	struct request *culprit, *late = p->late;
	int err;

	p->late = NULL;
	disk_quiesce(d);
	ahci_port_stop(p);
	culprit = forget_all(p);
	dev_warn(p->hba->dev, "port %u: %s, resetting the link", p->number,
		 late ? "no answer" : "an error");
	err = READ_ONCE(p->hba->is_removed) ? -ENODEV : ahci_port_start(p);
	if (late)
		block_request_done(late, -ETIMEDOUT);
	else if (culprit)
		block_request_done(culprit, err == -ENODEV ? -ENODEV : -EIO);
	if (err) {
		disk_fail(d);
		disk_resume(d);
		return;
	}
	disk_requeue_started(d);
	resume(p);
}

static void ahci_timeout(struct request *rq)
{
	struct ahci_port *p = rq->queue->disk->priv;

	ahci_port_interrupt(p);		/* one may have been lost */
	if (!((p->queued | p->plain) & 1u << rq->tag))
		return;
	p->late = rq;
	ahci_recover(p->disk);
}

static void ahci_stop(struct disk *d)
{
	struct ahci_port *p = d->priv;
	unsigned long flags = spin_lock_irqsave(&p->lock);

	p->is_stopped = true;
	spin_unlock_irqrestore(&p->lock, flags);
	ahci_port_stop(p);
}

const struct disk_ops ahci_disk_ops = {
	.queue_request	= ahci_queue_request,
	.commit		= ahci_commit,
	.timeout	= ahci_timeout,
	.recover	= ahci_recover,
	.stop		= ahci_stop,
};
