# SPDX-License-Identifier: MIT
obj-$(CONFIG_BLOCK) += drivers/block/bio.o drivers/block/submit.o drivers/block/build.o drivers/block/queue.o
obj-$(CONFIG_BLOCK) += drivers/block/complete.o drivers/block/flush.o drivers/block/timeout.o drivers/block/map.o
obj-$(CONFIG_BLOCK) += drivers/block/disk.o drivers/block/registry.o drivers/block/stats.o drivers/block/partition.o
obj-$(CONFIG_BLOCK) += drivers/block/part_mbr.o drivers/block/part_gpt.o
