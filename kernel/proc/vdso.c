/* SPDX-License-Identifier: MIT */
/*
 * The vDSO in user address spaces: the clock data page, then the port's image, as one device-like
 * object.
 */
#include <kernel/init.h>
#include <kernel/vdso_data.h>
#include <lib/err.h>
#include <mm/aspace.h>
#include <uapi/mman.h>
#include "exec.h"

static paddr_t vdso_page_at(struct memobj *o, uint64_t index, enum mem_type *type)
{
	*type = MEM_NORMAL;
	return image_to_phys(index ? vdso_image_start + (index - 1) * PAGE_SIZE :
			     (const char *)vdso_data_page());
}

static void vdso_release(struct memobj *o) { }

static const struct memobj_ops vdso_ops = { .device_page = vdso_page_at, .release = vdso_release };
static struct memobj vdso_object;

static int vdso_init(void)
{
	memobj_init(&vdso_object, &vdso_ops, NULL);
	vdso_object.size = PAGE_SIZE + (uint64_t)(vdso_image_end - vdso_image_start);
	return 0;
}
INITCALL(INIT_CORE, vdso_init);

static int64_t map_part(struct aspace *as, uint64_t addr, uint64_t len, uint64_t offset,
			unsigned int prot, unsigned int flags, const char *name)
{
	return aspace_mmap(as, &(struct mmap_args){
		.addr = addr, .len = len, .prot = prot, .flags = MAP_SHARED | flags,
		.object = &vdso_object, .offset = offset, .name = name,
		.region_flags = REGION_DEVICE | REGION_DONT_DUMP | (offset ? REGION_VDSO : 0),
	});
}

int vdso_map(struct aspace *as)
{
	uint64_t image = (uint64_t)(vdso_image_end - vdso_image_start);
	int64_t at = map_part(as, 0, PAGE_SIZE + image, 0, PROT_READ, 0, "[vvar]");

	if (at < 0)
		return (int)at;
	at = map_part(as, (uint64_t)at + PAGE_SIZE, image, PAGE_SIZE, PROT_READ | PROT_EXEC,
		      MAP_FIXED, "[vdso]");
	if (at < 0)
		return (int)at;
	as->vdso = (uint64_t)at;
	return 0;
}
