# SPDX-License-Identifier: MIT
obj-$(CONFIG_HAVE_ACPI) += drivers/acpi/tables.o drivers/acpi/dsdt.o drivers/acpi/platform.o
