# SPDX-License-Identifier: MIT
obj-y += kernel/sched/core.o kernel/sched/fair.o kernel/sched/rt.o kernel/sched/balance.o \
	kernel/sched/thread.o kernel/sched/account.o kernel/sched/params.o kernel/sched/sys_sched.o
obj-$(CONFIG_KTEST) += kernel/sched/sched_test.o
