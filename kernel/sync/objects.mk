# SPDX-License-Identifier: MIT
obj-y += kernel/sync/spinlock.o kernel/sync/waitq.o kernel/sync/mutex.o kernel/sync/rwsem.o kernel/sync/rcu.o
obj-$(CONFIG_LOCK_CHECK) += kernel/sync/lockdep.o
obj-$(CONFIG_KTEST) += kernel/sync/sync_test.o
