/* SPDX-License-Identifier: MIT */
/* The names of the kernel and of the machine. */
#ifndef KERNEL_VERSION_H
#define KERNEL_VERSION_H

extern const char kernel_release[];	/* uname -r */
extern const char kernel_version[];	/* uname -v: no date, so that builds repeat */

/* What uname(2) tells and programs may set; at most SYSTEM_NAME_MAX bytes. */
#define SYSTEM_NAME_MAX 64
enum system_name { SYSTEM_HOST_NAME, SYSTEM_DOMAIN_NAME };
void system_name_get(enum system_name which, char out[SYSTEM_NAME_MAX + 1]);
void system_name_set(enum system_name which, const char *name);

#endif
