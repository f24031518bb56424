# SPDX-License-Identifier: MIT
obj-y += mm/early.o mm/kernel_map.o mm/page.o mm/reclaim.o mm/oom.o
obj-y += mm/slab.o mm/span.o mm/vmalloc.o mm/uaccess.o mm/iov.o
obj-y += mm/memobj.o mm/writeback.o mm/region.o mm/table.o mm/fault.o mm/aspace.o
obj-y += mm/mmap.o mm/mremap.o mm/advise.o mm/pin.o
obj-$(CONFIG_KTEST) += mm/span_test.o mm/alloc_test.o
