# SPDX-License-Identifier: MIT
obj-y += drivers/base/device.o drivers/base/dma.o drivers/base/msi.o drivers/base/platform.o drivers/base/resource.o
obj-$(CONFIG_OF) += drivers/base/platform_of.o
obj-$(CONFIG_X86_64) += drivers/base/platform_pc.o
