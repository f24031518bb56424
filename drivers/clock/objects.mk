# SPDX-License-Identifier: MIT
obj-$(CONFIG_HAVE_ACPI) += drivers/clock/hpet.o drivers/clock/pmtimer.o
