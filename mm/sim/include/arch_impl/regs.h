/* SPDX-License-Identifier: MIT */
/* Host simulation: no registers. */
#pragma once
struct regs { int unused; };
