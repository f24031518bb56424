# SPDX-License-Identifier: MIT
obj-y += net/core/control.o net/core/option.o net/core/proc.o net/core/socket.o net/core/sys_message.o net/core/sys_socket.o
