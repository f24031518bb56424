# SPDX-License-Identifier: MIT
obj-$(CONFIG_X86_64) += drivers/irqchip/ioapic.o
obj-$(CONFIG_ARM64) += drivers/irqchip/gic.o
obj-$(CONFIG_ARM_GICV2) += drivers/irqchip/gicv2.o
obj-$(CONFIG_ARM_GICV3) += drivers/irqchip/gicv3.o
