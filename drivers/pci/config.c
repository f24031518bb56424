/* SPDX-License-Identifier: MIT */
/* Configuration registers and the lists of capabilities in them. */
#include "internal.h"

static bool is_in_space(const struct pci_host *h, uint32_t offset, unsigned int size)
{
	return offset <= h->ops->size - size && !(offset & (size - 1));
}

uint32_t pci_bus_read(struct pci_bus *b, uint8_t devfn, uint32_t offset, unsigned int size)
{
	if (!is_in_space(b->host, offset, size))
		return size == 4 ? ~0u : (1u << 8 * size) - 1;
	return b->host->ops->read(b->host, b->number, devfn, offset, size);
}

static void bus_write(struct pci_device *p, uint32_t offset, unsigned int size, uint32_t v)
{
	struct pci_host *h = p->bus->host;

	if (is_in_space(h, offset, size))
		h->ops->write(h, p->bus->number, p->devfn, offset, size, v);
}

uint8_t pci_read8(struct pci_device *p, uint32_t offset)
{
	return (uint8_t)pci_bus_read(p->bus, p->devfn, offset, 1);
}

uint16_t pci_read16(struct pci_device *p, uint32_t offset)
{
	return (uint16_t)pci_bus_read(p->bus, p->devfn, offset, 2);
}

uint32_t pci_read32(struct pci_device *p, uint32_t offset)
{
	return pci_bus_read(p->bus, p->devfn, offset, 4);
}

void pci_write8(struct pci_device *p, uint32_t offset, uint8_t v)
{
	bus_write(p, offset, 1, v);
}

void pci_write16(struct pci_device *p, uint32_t offset, uint16_t v)
{
	bus_write(p, offset, 2, v);
}

void pci_write32(struct pci_device *p, uint32_t offset, uint32_t v)
{
	bus_write(p, offset, 4, v);
}

bool pci_is_present(struct pci_device *p)
{
	return pci_read16(p, PCI_VENDOR) != 0xffff;
}

/* 48 capabilities of 4 bytes fill the space behind the header: more is a loop. */
uint32_t pci_find_cap(struct pci_device *p, uint8_t id, uint32_t after)
{
	uint32_t at;

	if (!(pci_read16(p, PCI_STATUS) & PCI_STATUS_CAPABILITIES))
		return 0;
	at = pci_read8(p, after ? after + 1 : PCI_CAPABILITIES) & ~3u;
	for (unsigned int i = 0; i < 48 && at >= 0x40; i++) {
		uint16_t head = pci_read16(p, at);

		if (head == 0xffff)
			return 0;
		if ((uint8_t)head == id)
			return at;
		at = head >> 8 & ~3u;
	}
	return 0;
}

uint32_t pci_find_ext_cap(struct pci_device *p, uint16_t id, uint32_t after)
{
	uint32_t at = after ? pci_read32(p, after) >> 20 & ~3u : 0x100;

	for (unsigned int i = 0; i < 960 && at >= 0x100; i++) {
		uint32_t head = pci_read32(p, at);

		if (!head || head == ~0u)
			return 0;
		if ((uint16_t)head == id)
			return at;
		at = head >> 20 & ~3u;
	}
	return 0;
}
