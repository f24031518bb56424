/* SPDX-License-Identifier: MIT */
/*
 * Integer types and the address types. Addresses of different spaces are one-member structs: they
 * travel in a register and a mix-up does not compile. Arithmetic goes through `.v` or *_add().
 */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lib/compiler.h>

#ifndef LIB_HOST
typedef int64_t ssize_t;
#endif
typedef int64_t ssize_type;	/* what read(2) returns, without clashing with the host's ssize_t */

typedef struct { uint64_t v; } uaddr_t;		/* address in the current user address space */
typedef struct { uint64_t v; } paddr_t;		/* physical address, as the CPU sees it */
typedef struct { uint64_t v; } dma_addr_t;	/* bus address, as a device sees it */

#define UADDR(x)	((uaddr_t){ .v = (uint64_t)(x) })
#define PADDR(x)	((paddr_t){ .v = (uint64_t)(x) })
#define DMA_ADDR(x)	((dma_addr_t){ .v = (uint64_t)(x) })

/* Sums wrap; who needs a bound checks it with range_within() (<lib/minmax.h>). */
static inline uaddr_t uaddr_add(uaddr_t a, uint64_t len)
{
	return UADDR(a.v + len);
}

static inline paddr_t paddr_add(paddr_t a, uint64_t len)
{
	return PADDR(a.v + len);
}

static inline dma_addr_t dma_addr_add(dma_addr_t a, uint64_t len)
{
	return DMA_ADDR(a.v + len);
}

#define NSEC_PER_USEC	1000LL
#define NSEC_PER_MSEC	1000000LL
#define NSEC_PER_SEC	1000000000LL
#define USEC_PER_SEC	1000000LL
#define MSEC_PER_SEC	1000LL

#define KIB		1024ULL
#define MIB		(1024ULL * KIB)
#define GIB		(1024ULL * MIB)
#define TIB		(1024ULL * GIB)

#endif
