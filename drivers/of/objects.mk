# SPDX-License-Identifier: MIT
obj-$(CONFIG_OF) += drivers/of/of.o
