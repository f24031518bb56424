/* SPDX-License-Identifier: MIT */
/*
 * Power State Coordination Interface (Arm DEN 0022): CPUs on, the machine off or again.
 */
#ifndef DRIVERS_PSCI_H
#define DRIVERS_PSCI_H

#include <lib/types.h>

/* Find the conduit in the device tree; false when there is none, and then the others fail. */
bool psci_init(void);

/* Start the CPU with affinity @mpidr at physical @entry with @context in x0. -EIO when refused. */
__must_check int psci_cpu_on(uint64_t mpidr, paddr_t entry, uint64_t context);

/* Return only when the firmware refuses. */
void psci_system_off(void);
void psci_system_reset(void);

#endif
