/* SPDX-License-Identifier: MIT */
/*
 * Ends of the machine before the generic kernel runs.
 */
#ifndef ARCH_IMPL_POWER_H
#define ARCH_IMPL_POWER_H

#include <lib/compiler.h>

/* Tell an emulator (if the command line so far asks for it) and halt. */
__noreturn __cold void x86_exit_from_boot_failure(void);

#endif
