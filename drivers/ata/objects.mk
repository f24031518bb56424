# SPDX-License-Identifier: MIT
obj-$(CONFIG_AHCI) += drivers/ata/ahci.o drivers/ata/port.o
