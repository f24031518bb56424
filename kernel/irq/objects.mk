# SPDX-License-Identifier: MIT
obj-y += kernel/irq/irq.o kernel/irq/context.o
