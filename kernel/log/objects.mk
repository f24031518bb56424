# SPDX-License-Identifier: MIT
obj-y += kernel/log/log.o kernel/log/sys_syslog.o
