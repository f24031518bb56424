# SPDX-License-Identifier: MIT
obj-$(CONFIG_ARM_PSCI) += drivers/firmware/psci.o
