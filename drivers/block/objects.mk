# SPDX-License-Identifier: MIT
obj-$(CONFIG_BLOCK) += drivers/block/bio.o drivers/block/submit.o drivers/block/build.o drivers/block/queue.o
obj-$(CONFIG_BLOCK) += drivers/block/complete.o drivers/block/flush.o drivers/block/timeout.o drivers/block/map.o
obj-$(CONFIG_BLOCK) += drivers/block/disk.o drivers/block/registry.o drivers/block/stats.o drivers/block/partition.o
obj-$(CONFIG_BLOCK) += drivers/block/part_mbr.o drivers/block/part_gpt.o
obj-$(CONFIG_VIRTIO_BLK) += drivers/block/virtio_blk.o
obj-$(CONFIG_BLK_RAM) += drivers/block/ramdisk.o
ifeq ($(CONFIG_BLK_RAM),y)
obj-$(CONFIG_KTEST) += drivers/block/test.o drivers/block/block_test.o drivers/block/flush_test.o
endif
