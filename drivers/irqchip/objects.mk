# SPDX-License-Identifier: MIT
obj-$(CONFIG_X86_64) += drivers/irqchip/ioapic.o drivers/irqchip/x86_msi.o
obj-$(CONFIG_ARM64) += drivers/irqchip/gic.o
obj-$(CONFIG_ARM_GICV2) += drivers/irqchip/gicv2.o drivers/irqchip/gicv2m.o
obj-$(CONFIG_ARM_GICV3) += drivers/irqchip/gicv3.o drivers/irqchip/gicv3_its.o
