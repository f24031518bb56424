/* SPDX-License-Identifier: MIT */
/* x86_64: AT_HWCAP is CPUID.1:EDX as it stands; AT_HWCAP2 has bits of its own. */
#pragma once

#define AT_PLATFORM_STRING	"x86_64"

#define HWCAP2_RING3MWAIT	(1 << 0)
#define HWCAP2_FSGSBASE		(1 << 1)	/* user mode may use WRFSBASE and friends */
