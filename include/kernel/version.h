/* SPDX-License-Identifier: MIT */
/* The kernel's own name. */
#ifndef KERNEL_VERSION_H
#define KERNEL_VERSION_H

extern const char kernel_release[];	/* uname -r */
extern const char kernel_version[];	/* uname -v: no date, so that builds repeat */

#endif
