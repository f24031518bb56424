# SPDX-License-Identifier: MIT
obj-y += kernel/time/clock.o kernel/time/timer.o kernel/time/vdso.o kernel/time/sys_time.o kernel/time/posix_timer.o \
	kernel/time/itimer.o kernel/time/cputime.o kernel/time/cpu_limit.o
obj-$(CONFIG_KTEST) += kernel/time/time_test.o
