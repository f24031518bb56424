/* SPDX-License-Identifier: MIT */
/* Requests' memory as their device sees it. */
#include <drivers/dma.h>

#include "internal.h"

static enum dma_dir direction(const struct request *rq)
{
	return rq->op == BIO_READ ? DMA_FROM_DEVICE : DMA_TO_DEVICE;
}

static void unmap_first(struct request *rq, uint32_t nr)
{
	struct device *dev = rq->queue->disk->dma_dev;

	for (uint32_t i = 0; i < nr; i++)
		dma_unmap(dev, rq->segs[i].dma, rq->segs[i].len, direction(rq));
}

int request_map(struct request *rq)
{
	struct device *dev = rq->queue->disk->dma_dev;

	for (uint32_t i = 0; i < rq->nr_segs; i++) {
		struct request_seg *s = &rq->segs[i];
		int err = dma_map_page(dev, phys_to_page(s->phys), s->phys.v & ~PAGE_MASK, s->len,
				       direction(rq), &s->dma);

		if (err) {
			unmap_first(rq, i);
			return err == -ENOMEM ? -EBUSY : err;
		}
	}
	rq->mapped = true;
	return 0;
}

void request_unmap(struct request *rq)
{
	if (!rq->mapped)
		return;
	rq->mapped = false;
	unmap_first(rq, rq->nr_segs);
}
