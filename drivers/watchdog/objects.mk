# SPDX-License-Identifier: MIT
obj-$(CONFIG_I6300ESB) += drivers/watchdog/i6300esb.o
