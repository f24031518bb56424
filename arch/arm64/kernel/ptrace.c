/* SPDX-License-Identifier: MIT */
/*
 * Register sets for debuggers and core files, and hardware breakpoints and watchpoints (Arm ARM
 * D2.8, D2.10).
 *
 * MDSCR_EL1.MDE is set only while a thread that has some runs; the comparators are loaded then.  In
 * the kernel they do not fire (MDSCR_EL1.KDE is 0).
 */
#include <arch/irq.h>
#include <arch/ptrace.h>
#include <kernel/thread.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/elf.h>
#include <uapi/ptrace.h>
#include <arch_impl/arm64.h>

const uint32_t arch_audit = 0xc00000b7;		/* AUDIT_ARCH_AARCH64 */
const int arch_step_code = SI_USER;

#define SLOTS		16
#define CTRL_ENABLE	1u
#define CTRL_EL0	(2u << 1)		/* only in user mode */
#define CTRL_TYPE(c)	((c) >> 3 & 3)
#define CTRL_BAS(c)	((c) >> 5 & 0xff)

/* Breakpoints are slots 0, watchpoints slots 1. */
enum debug_kind { BREAK, WATCH, KINDS };

struct arm64_debug {
	struct {
		uint64_t address;
		uint32_t control;
	} slots[KINDS][SLOTS];
};

static unsigned int nr_slots(enum debug_kind kind)
{
	return id_field(sysreg_read(id_aa64dfr0_el1), kind == BREAK ? 12 : 20) + 1;
}

#define WRITE_ONE(n)								\
	case n:									\
		sysreg_write(dbgbvr##n##_el1, d->slots[BREAK][n].address);	\
		sysreg_write(dbgbcr##n##_el1, d->slots[BREAK][n].control);	\
		break;
#define WRITE_TWO(n)								\
	case n:									\
		sysreg_write(dbgwvr##n##_el1, d->slots[WATCH][n].address);	\
		sysreg_write(dbgwcr##n##_el1, d->slots[WATCH][n].control);	\
		break;
#define EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) \
		X(15)

static void load_break(const struct arm64_debug *d, unsigned int n)
{
	switch (n) { EACH(WRITE_ONE) }
}

static void load_watch(const struct arm64_debug *d, unsigned int n)
{
	switch (n) { EACH(WRITE_TWO) }
}

static void load_slots(const struct arm64_debug *d)
{
	for (unsigned int n = 0; n < nr_slots(BREAK); n++)
		load_break(d, n);
	for (unsigned int n = 0; n < nr_slots(WATCH); n++)
		load_watch(d, n);
}

void arm64_debug_load(const struct thread *t)
{
	uint64_t mdscr = t->arch.flags & ARM64_STEP ? MDSCR_SS : 0;

	if (t->arch.flags & ARM64_DEBUG) {
		load_slots(t->arch.debug);
		mdscr |= MDSCR_MDE;
	}
	sysreg_write(mdscr_el1, mdscr);
	isb();
}

void arm64_debug_switch(const struct thread *prev, const struct thread *next)
{
	arm64_debug_load(next);
}

void arch_debug_clear(struct thread *t)
{
	unsigned long flags = arch_irq_save();

	if (t->arch.flags & ARM64_DEBUG) {
		t->arch.flags &= ~(uint64_t)ARM64_DEBUG;
		memset(t->arch.debug, 0, sizeof(*t->arch.debug));
		if (t == arch_current())
			arm64_debug_load(t);
	}
	arch_irq_restore(flags);
}

/* General registers. */

static size_t gregs_size(const struct thread *t)
{
	return sizeof(struct user_regs_struct);
}

static int gregs_get(struct thread *t, void *buf)
{
	regs_to_user_regs(t, arch_user_regs(t), buf);
	return 0;
}

static int gregs_set(struct thread *t, const void *buf)
{
	return regs_from_user_regs(t, arch_user_regs(t), buf);
}

/* FP/SIMD: the area of a thread that is switched out. */

static size_t fpregs_size(const struct thread *t)
{
	return sizeof(struct user_fpregs_struct);
}

static int fpregs_get(struct thread *t, void *buf)
{
	unsigned long flags = arch_irq_save();

	if (t == arch_current())
		arm64_fp_save(&t->arch.fp);
	memcpy(buf, &t->arch.fp, sizeof(struct user_fpregs_struct));
	arch_irq_restore(flags);
	return 0;
}

static int fpregs_set(struct thread *t, const void *buf)
{
	memcpy(&t->arch.fp, buf, offset_of(struct user_fpregs_struct, __reserved));
	return 0;
}

static size_t word_size(const struct thread *t)
{
	return 8;
}

static int tls_get(struct thread *t, void *buf)
{
	uint64_t tls = arch_tls(t);

	memcpy(buf, &tls, sizeof(tls));
	return 0;
}

static int tls_set(struct thread *t, const void *buf)
{
	uint64_t tls;

	memcpy(&tls, buf, sizeof(tls));
	arch_set_tls(t, tls);
	return 0;
}

static size_t call_size(const struct thread *t)
{
	return 4;
}

static int call_get(struct thread *t, void *buf)
{
	memcpy(buf, &arch_user_regs(t)->syscall, 4);
	return 0;
}

static int call_set(struct thread *t, const void *buf)
{
	memcpy(&arch_user_regs(t)->syscall, buf, 4);
	return 0;
}

/* Breakpoints and watchpoints. */

static size_t debug_size(const struct thread *t)
{
	return sizeof(struct user_hwdebug_state);
}

static int debug_get(struct thread *t, enum debug_kind kind, struct user_hwdebug_state *s)
{
	s->dbg_info = id_field(sysreg_read(id_aa64dfr0_el1), 0) << 8 | nr_slots(kind);
	for (unsigned int n = 0; t->arch.debug && n < SLOTS; n++) {
		s->dbg_regs[n].addr = t->arch.debug->slots[kind][n].address;
		s->dbg_regs[n].ctrl = t->arch.debug->slots[kind][n].control;
	}
	return 0;
}

static int break_get(struct thread *t, void *buf) { return debug_get(t, BREAK, buf); }
static int watch_get(struct thread *t, void *buf) { return debug_get(t, WATCH, buf); }

/* The hardware's form of a slot: bytes in a row, moved to where they are in the aligned word. */
static int encode(enum debug_kind kind, uint64_t *address, uint32_t *control)
{
	uint32_t bas = CTRL_BAS(*control), type = CTRL_TYPE(*control);
	uint64_t mask = kind == BREAK ? 3 : 7;

	if (!(*control & CTRL_ENABLE) && !bas) {
		*control = CTRL_EL0;
		return *address < USER_TOP ? 0 : -EINVAL;
	}
	if (*address >= USER_TOP || !bas || (kind == BREAK ? type != 0 : type == 0))
		return -EINVAL;
	if ((bas >> __builtin_ctz(bas)) & ((bas >> __builtin_ctz(bas)) + 1))
		return -EINVAL;			/* a hole */
	if (kind == BREAK && (bas != 0xf || *address & mask))
		return -EINVAL;
	bas <<= *address & mask;
	if (bas > 0xff)
		return -EINVAL;
	*address &= ~mask;
	*control = (*control & CTRL_ENABLE) | CTRL_EL0 | type << 3 | bas << 5;
	return 0;
}

static int make_debug(struct thread *t)
{
	if (!t->arch.debug)
		t->arch.debug = kmalloc(sizeof(*t->arch.debug), ALLOC_NORMAL | ALLOC_ZERO);
	return t->arch.debug ? 0 : -ENOMEM;
}

static void note_use(struct thread *t)
{
	uint32_t any = 0;

	for (unsigned int n = 0; n < SLOTS; n++)
		any |= t->arch.debug->slots[BREAK][n].control |
		       t->arch.debug->slots[WATCH][n].control;
	t->arch.flags &= ~(uint64_t)ARM64_DEBUG;
	if (any & CTRL_ENABLE)
		t->arch.flags |= ARM64_DEBUG;
}

static int debug_set(struct thread *t, enum debug_kind kind, const struct user_hwdebug_state *s)
{
	int err = make_debug(t);

	for (unsigned int n = 0; !err && n < SLOTS; n++) {
		uint64_t address = s->dbg_regs[n].addr;
		uint32_t control = s->dbg_regs[n].ctrl;

		/* What debug_get() gave and nobody changed is in the hardware's form. */
		if (address == t->arch.debug->slots[kind][n].address &&
		    control == t->arch.debug->slots[kind][n].control)
			continue;
		err = n >= nr_slots(kind) ? -ENOSPC : encode(kind, &address, &control);
		if (err)
			break;
		t->arch.debug->slots[kind][n].address = address;
		t->arch.debug->slots[kind][n].control = control;
	}
	if (t->arch.debug)
		note_use(t);
	return err;
}

static int break_set(struct thread *t, const void *buf) { return debug_set(t, BREAK, buf); }
static int watch_set(struct thread *t, const void *buf) { return debug_set(t, WATCH, buf); }

const struct regset arch_regsets[] = {
	{ NT_PRSTATUS, 8, true, gregs_size, gregs_get, gregs_set },
	{ NT_PRFPREG, 4, true, fpregs_size, fpregs_get, fpregs_set },
	{ NT_ARM_TLS, 8, true, word_size, tls_get, tls_set },
	{ NT_ARM_HW_BREAK, 4, true, debug_size, break_get, break_set },
	{ NT_ARM_HW_WATCH, 4, true, debug_size, watch_get, watch_set },
	{ NT_ARM_SYSTEM_CALL, 4, true, call_size, call_get, call_set },
	{ 0 },
};

long arch_ptrace(struct thread *t, long request, uint64_t addr, uint64_t data)
{
	return -EIO;
}

/* x8 at entry was only the number; what the debugger put into x0 is the first argument now. */
bool arch_syscall_changed(struct regs *regs)
{
	regs->orig_x0 = regs->x[0];
	return regs->syscall != -1;
}
