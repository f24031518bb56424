/* SPDX-License-Identifier: MIT */
/*
 * PSCI calls by the SMC Calling Convention; the device tree says whether by HVC or SMC.
 */
#include <drivers/of.h>
#include <drivers/psci.h>
#include <lib/err.h>
#include <lib/string.h>

enum psci_function {
	PSCI_SYSTEM_OFF		= 0x84000008,
	PSCI_SYSTEM_RESET	= 0x84000009,
	PSCI_CPU_ON		= 0xc4000003,
};

static enum { PSCI_NONE, PSCI_HVC, PSCI_SMC } conduit;
static uint32_t cpu_on_function = PSCI_CPU_ON;

static int64_t psci_call(uint32_t function, uint64_t a, uint64_t b, uint64_t c)
{
	register uint64_t x0 __asm__("x0") = function;
	register uint64_t x1 __asm__("x1") = a;
	register uint64_t x2 __asm__("x2") = b;
	register uint64_t x3 __asm__("x3") = c;

	if (conduit == PSCI_NONE)
		return -1;
	/* SMCCC 1.0 lets x4-x17 be lost. */
	if (conduit == PSCI_HVC)
		__asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) :
				 : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
				   "x14", "x15", "x16", "x17", "memory");
	else
		__asm__ volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) :
				 : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
				   "x14", "x15", "x16", "x17", "memory");
	return (int64_t)x0;
}

bool psci_init(void)
{
	static const char *const ids[] = { "arm,psci-1.0", "arm,psci-0.2", "arm,psci" };
	const char *method;
	/* By its usual place first: searching the whole tree is slow. */
	int node = of_find_path("/psci");

	for (unsigned int i = 0; i < ARRAY_SIZE(ids) && node < 0; i++)
		node = of_find_compatible(OF_NONE, ids[i]);
	method = of_string(node, "method");
	if (!method)
		return false;
	if (str_eq(method, "hvc"))
		conduit = PSCI_HVC;
	else if (str_eq(method, "smc"))
		conduit = PSCI_SMC;
	/* Version 0.1 chose its own numbers. */
	(void)of_u32(node, "cpu_on", &cpu_on_function);
	return conduit != PSCI_NONE;
}

int psci_cpu_on(uint64_t mpidr, paddr_t entry, uint64_t context)
{
	return (int32_t)psci_call(cpu_on_function, mpidr, entry.v, context) ? -EIO : 0;
}

void psci_system_off(void)
{
	(void)psci_call(PSCI_SYSTEM_OFF, 0, 0, 0);
}

void psci_system_reset(void)
{
	(void)psci_call(PSCI_SYSTEM_RESET, 0, 0, 0);
}
