/* SPDX-License-Identifier: MIT */
/*
 * User memory, touched only here: every access can fault, and a fault that the
 * address space cannot serve ends in an error through the exception table.
 *
 * Context: process context.  With pagefault_disable() in force (or in atomic
 * context) a fault is not served and ends at once in the error.
 * The generic wrappers with range checks are in <mm/uaccess.h>; only they call these.
 * The range [addr, addr + len) has been checked to lie below USER_TOP.
 */
#ifndef ARCH_UACCESS_H
#define ARCH_UACCESS_H

#include <lib/types.h>
#include <lib/compiler.h>

/* Each returns the number of bytes NOT copied or cleared: 0 is success. */
size_t arch_copy_from_user(void *dst, uaddr_t src, size_t len);
size_t arch_copy_to_user(uaddr_t dst, const void *src, size_t len);
size_t arch_clear_user(uaddr_t dst, size_t len);

/*
 * Copy a string of at most @max bytes, the NUL counted.  Its length without
 * the NUL, @max when there was none, or -EFAULT.
 */
long arch_copy_string_from_user(char *dst, uaddr_t src, size_t max);

/* One naturally aligned or unaligned value; 0 or -EFAULT. */
static inline int arch_get_user8(uint8_t *v, uaddr_t p);
static inline int arch_get_user32(uint32_t *v, uaddr_t p);
static inline int arch_get_user64(uint64_t *v, uaddr_t p);
static inline int arch_put_user8(uint8_t v, uaddr_t p);
static inline int arch_put_user32(uint32_t v, uaddr_t p);
static inline int arch_put_user64(uint64_t v, uaddr_t p);

enum user_atomic { USER_XCHG, USER_ADD, USER_OR, USER_AND, USER_XOR };

/* Atomic operations on an aligned user word, fully ordered; 0 or -EFAULT. */
int arch_user_cmpxchg32(uaddr_t p, uint32_t expected, uint32_t desired, uint32_t *found);
int arch_user_atomic32(enum user_atomic op, uaddr_t p, uint32_t arg, uint32_t *old);

#include <arch_impl/uaccess.h>

#endif
