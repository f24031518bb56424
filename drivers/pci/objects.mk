# SPDX-License-Identifier: MIT
obj-$(CONFIG_PCI) += drivers/pci/assign.o drivers/pci/assign_bus.o drivers/pci/attrs.o drivers/pci/bars.o \
	drivers/pci/bus.o drivers/pci/config.o drivers/pci/enumerate.o drivers/pci/host_ecam.o drivers/pci/irq.o
ifeq ($(CONFIG_PCI),y)
obj-$(CONFIG_KTEST) += drivers/pci/assign_test.o
obj-$(CONFIG_OF) += drivers/pci/host_of.o
obj-$(CONFIG_X86_64) += drivers/pci/host_pc.o
endif
