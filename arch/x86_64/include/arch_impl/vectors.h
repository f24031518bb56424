/* SPDX-License-Identifier: MIT */
/*
 * Who owns which interrupt vector.  Device vectors are handed out per CPU from
 * VECTOR_DEVICE_FIRST upwards; the local ones are at the top, where the APIC's priority is highest.
 */
#ifndef ARCH_IMPL_VECTORS_H
#define ARCH_IMPL_VECTORS_H

#define VECTOR_EXCEPTIONS	32
#define VECTOR_DEVICE_FIRST	48
#define VECTOR_DEVICE_END	240
#define VECTOR_TIMER		240
#define VECTOR_IPI_FIRST	241	/* + enum ipi */
#define VECTOR_TLB		250
#define VECTOR_ERROR		254
#define VECTOR_SPURIOUS		255

#endif
