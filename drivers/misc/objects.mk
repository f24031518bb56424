# SPDX-License-Identifier: MIT
obj-$(CONFIG_PVPANIC) += drivers/misc/pvpanic.o
