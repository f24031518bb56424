/* SPDX-License-Identifier: MIT */
/* Host tests: the upcall under test. */
#pragma once

struct regs;
long syscall_upcall(struct regs *regs);
