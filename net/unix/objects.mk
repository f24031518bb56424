# SPDX-License-Identifier: MIT
obj-y += net/unix/connect.o net/unix/dgram.o net/unix/gc.o net/unix/message.o net/unix/name.o net/unix/proc.o net/unix/scm.o \
	net/unix/socket.o net/unix/stream.o
obj-$(CONFIG_KTEST) += net/unix/unix_test.o
