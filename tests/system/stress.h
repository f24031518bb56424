/* SPDX-License-Identifier: MIT */
/* What the files of the stress program share. */
#ifndef STRESS_H
#define STRESS_H

/* The most that is free within a second: what is freed late counts as free. */
long settled_free_kib(void);

int cmd_sockets(long count);

#endif
