# SPDX-License-Identifier: MIT
obj-$(CONFIG_NVME) += drivers/nvme/nvme.o drivers/nvme/queue.o drivers/nvme/admin.o drivers/nvme/io.o
