/* SPDX-License-Identifier: MIT */
/* AHCI 1.3.1 and what it carries of ATA/ATAPI-8: registers, tables, a port. */
#ifndef DRIVERS_ATA_AHCI_H
#define DRIVERS_ATA_AHCI_H

#include <drivers/device.h>
#include <drivers/disk.h>
#include <drivers/dma.h>
#include <lib/endian.h>

enum hba_reg {				/* 3.1 */
	HBA_CAP = 0x00, HBA_GHC = 0x04, HBA_IS = 0x08, HBA_PI = 0x0c, HBA_WINDOW = 0x100,
};
#define CAP_SLOTS(cap)		(((cap) >> 8 & 0x1f) + 1)
#define CAP_NCQ			(1u << 30)
#define CAP_64BIT		(1u << 31)
#define GHC_RESET		(1u << 0)
#define GHC_INTERRUPTS		(1u << 1)
#define GHC_AHCI		(1u << 31)

enum port_reg {				/* 3.3, from 0x100 + 0x80 * port */
	PORT_CLB = 0x00, PORT_CLBU = 0x04, PORT_FB = 0x08, PORT_FBU = 0x0c, PORT_IS = 0x10,
	PORT_IE = 0x14, PORT_CMD = 0x18, PORT_TFD = 0x20, PORT_SIG = 0x24, PORT_SSTS = 0x28,
	PORT_SCTL = 0x2c, PORT_SERR = 0x30, PORT_SACT = 0x34, PORT_CI = 0x38,
};
#define PORT_BASE(p)		(0x100 + 0x80 * (p))
#define CMD_START		(1u << 0)
#define CMD_SPIN_UP		(1u << 1)
#define CMD_POWER		(1u << 2)
#define CMD_FIS_RECEIVE		(1u << 4)
#define CMD_FIS_RUNNING		(1u << 14)
#define CMD_RUNNING		(1u << 15)
#define PORT_INT_DONE		0x0000000fu	/* a FIS of any kind came */
#define PORT_INT_LINK		(1u << 6 | 1u << 22)
#define PORT_INT_ERROR		(1u << 27 | 1u << 28 | 1u << 29 | 1u << 30)
#define TFD_ERR			(1u << 0)
#define TFD_DRQ			(1u << 3)
#define TFD_BSY			(1u << 7)
#define LINK_UP			3u		/* SSTS.DET */
#define SIGNATURE_ATA		0x00000101u
#define REG_NOBODY		0xffffffffu

enum ata_command { ATA_DATASET = 0x06, ATA_READ_EXT = 0x25, ATA_WRITE_EXT = 0x35,
		   ATA_READ_FPDMA = 0x60, ATA_WRITE_FPDMA = 0x61, ATA_FLUSH_EXT = 0xea,
		   ATA_IDENTIFY = 0xec };
#define FIS_HOST_TO_DEVICE	0x27
#define FIS_IS_COMMAND		0x80
#define DEVICE_LBA		0x40

#define AHCI_SLOTS	32u
#define AHCI_SEGS	56u

struct ahci_header {
	le32_t flags;			/* length of the FIS in words, W, entries << 16 */
	le32_t bytes;
	le32_t table, table_high;
	le32_t reserved[4];
};
#define HEADER_WRITE		(1u << 6)
#define HEADER_FIS_WORDS	5u

struct ahci_table {
	uint8_t fis[64];
	uint8_t atapi[64];
	struct {
		le32_t addr, addr_high, reserved, bytes;	/* bytes - 1 */
	} segs[AHCI_SEGS];
};
_Static_assert(sizeof(struct ahci_table) == 1024, "tables keep their alignment");

/* All memory of a port that its device reads and writes. */
struct ahci_memory {
	struct ahci_header headers[AHCI_SLOTS];
	uint8_t fis[1024];		/* received; 256 bytes of it */
	struct ahci_table tables[AHCI_SLOTS];
	uint8_t blocks[AHCI_SLOTS][512];	/* identify data, dataset ranges */
};

struct ahci;

struct ahci_port {
	struct ahci *hba;		/* [I] */
	struct mmio regs;		/* [I] */
	unsigned int number;		/* [I] */
	struct ahci_memory *mem;	/* [I] */
	dma_addr_t mem_dma;		/* [I] */
	struct disk *disk;		/* [I] NULL: nothing there */
	bool has_ncq, has_trim, has_cache, is_rotational;	/* [I] */
	unsigned int depth;		/* [I] */
	uint32_t logical_size, physical_size;	/* [I] */
	uint64_t nr_blocks;		/* [I] */
	char serial[21], model[41];	/* [I] */
	struct spinlock lock;		/* class DEVICE */
	uint32_t queued, plain;		/* [L] slots in flight; never both */
	uint32_t built;			/* [L] queued by us, not yet told */
	bool is_stopped;		/* [L] an error waits for recovery, or the end */
	unsigned int one_by_one;	/* [L] so many more requests run alone: port.c */
	struct request *late;		/* own: kblockd */
};

struct ahci {
	struct device *dev;		/* [I] */
	struct mmio regs;		/* [I] */
	uint32_t cap;			/* [I] */
	int irq;			/* [I] negative: none */
	unsigned int nr_ports;		/* [I] of ports[] */
	struct ahci_port *ports[32];	/* [I] the hardware's limit */
	bool is_removed;		/* [A] */
};

extern const struct disk_ops ahci_disk_ops;

/* port.c */
/* Stop the engine; on return the port touches no memory, or the device is gone. */
void ahci_port_stop(struct ahci_port *p);
void ahci_port_power(struct ahci_port *p);
/* Reset the link and start the engine: 0, -ENODEV: nothing there, -EIO. */
__must_check int ahci_port_start(struct ahci_port *p);
__must_check int ahci_port_identify(struct ahci_port *p);
void ahci_port_interrupt(struct ahci_port *p);
static inline bool ahci_port_has_link(struct ahci_port *p)
{
	return (mmio_read32(&p->regs, PORT_SSTS) & 0xf) == LINK_UP;
}

#endif
