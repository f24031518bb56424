/* SPDX-License-Identifier: MIT */
/*
 * FP/SIMD state of user threads.
 */
#ifndef ARCH_IMPL_FPU_H
#define ARCH_IMPL_FPU_H

#include <lib/compiler.h>
#include <lib/types.h>

extern uint32_t fpu_area_size;		/* bytes of a standard-format area */
extern uint64_t fpu_features;		/* XCR0; 0: FXSAVE only */

void fpu_boot_init(void);		/* boot CPU: sizes and the initial image */
void fpu_cpu_init(void);		/* each CPU */

/* si_code of a pending x87 or SIMD exception of the running thread. */
int fpu_x87_code(void);
int fpu_simd_code(void);

void fpu_save(void *area);
/* Also what is initial or unchanged: for areas that others read. */
void fpu_save_full(void *area);
void fpu_restore(const void *area);
/* False: the image would fault; nothing was loaded. */
__must_check bool fpu_area_is_valid(const void *area);
void fpu_area_reset(void *area);
/* As readers want it: XSAVE's own savings undone. */
void fpu_area_complete(void *area);
void *fpu_area_alloc(void);
void fpu_area_free(void *area);

#endif
