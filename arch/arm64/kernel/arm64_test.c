/* SPDX-License-Identifier: MIT */
/* What the CPU must be like whenever C code runs. */
#include <lib/ktest.h>
#include <arch_impl/arm64.h>

/* Threads that come from no exception (boot, idle, this one) once ran with user memory open. */
KTEST(arm64, pan_is_set)
{
	uint64_t pan;

	if (!(arm64_features & ARM64_HAS_PAN))
		return;
	__asm__ volatile("mrs %0, s3_0_c4_c2_3" : "=r"(pan));
	KEXPECT_NE(pan & PSTATE_PAN, 0u);
}
