/* SPDX-License-Identifier: MIT */
/* Host simulation: user memory through the tables of the current address space. */
#pragma once

#define SIM_GET(bits) static inline int arch_get_user##bits(uint##bits##_t *v, uaddr_t p)	\
{ return arch_copy_from_user(v, p, sizeof(*v)) ? -14 : 0; }					\
static inline int arch_put_user##bits(uint##bits##_t v, uaddr_t p)				\
{ return arch_copy_to_user(p, &v, sizeof(v)) ? -14 : 0; }
SIM_GET(8)
SIM_GET(32)
SIM_GET(64)
