/* SPDX-License-Identifier: MIT */
/*
 * System-call tracing into the kernel log, by name and with decoded arguments, and the generated
 * descriptions that it (and denial messages) decode with. See kernel/trace/README.md.
 */
#ifndef KERNEL_SYSTRACE_H
#define KERNEL_SYSTRACE_H

#include <kernel/syscall.h>

struct thread;

/* What an argument or a struct member is. */
enum arg_kind {
	ARG_INT, ARG_UINT, ARG_LONG, ARG_ULONG, ARG_HEX, ARG_MASK, ARG_MODE, ARG_DEV, ARG_SIG,
	ARG_FD, ARG_DIRFD, ARG_FLAGS, ARG_ENUM,
	ARG_STR, ARG_OUTSTR, ARG_STRV, ARG_BYTES, ARG_STRUCT,
	ARG_P_INT, ARG_P_LONG, ARG_SIGSET, ARG_FDSET, ARG_SOCKADDR, ARG_WSTATUS,
	ARG_SIGBITS, ARG_CHARS,		/* members only: a signal set and a string in place */
};

enum arg_dir { DIR_IN = 1, DIR_OUT = 2 };

enum call_result {
	RESULT_INT, RESULT_LEN, RESULT_OFF, RESULT_ADDR, RESULT_FD, RESULT_PID, RESULT_UID,
	RESULT_MODE, RESULT_SIG, RESULT_LONG, RESULT_NONE,
};

/* arg_desc.len: the number of an argument, LEN_RET, or LEN_CONST + a count. */
#define LEN_RET		0x7f
#define LEN_CONST	0x80

#define SYSCALL_MAX_ARGS	6

struct arg_desc {
	uint8_t kind;			/* enum arg_kind */
	uint8_t dir;			/* enum arg_dir, of pointers */
	uint8_t reg;			/* which of the call's registers */
	uint8_t ref;			/* into trace_sets or trace_structs */
	uint8_t len;
};

struct syscall_desc {
	const char *name;
	uint8_t nr_args;
	uint8_t result;			/* enum call_result */
	struct arg_desc args[SYSCALL_MAX_ARGS];
};

struct flag_name {
	uint64_t value;
	const char *name;
};

struct flag_set {
	const struct flag_name *names;	/* those of the field first */
	uint16_t count, field_count;
	uint64_t field_mask;
};

struct member_desc {
	const char *name;
	uint16_t offset, size;
	uint8_t kind, ref;
};

struct struct_desc {
	const struct member_desc *members;
	uint16_t count, size;
};

#define MEMBER(type, member, kind, ref) \
	{ #member, offsetof(type, member), sizeof(((type *)0)->member), kind, ref }

extern const struct flag_set trace_sets[];
extern const struct struct_desc trace_structs[];
extern const uint8_t trace_set_errno, trace_set_signal;

/* NULL: this architecture has no call @nr. */
const struct syscall_desc *syscall_desc_find(uint64_t nr);

/* A call as it was made: exec and sigreturn overwrite the frame. */
struct trace_call {
	uint64_t nr;
	uint64_t args[SYSCALL_MAX_ARGS];
};

/* Where a line is being put together. Full: the rest is dropped and "..." ends it. */
struct trace_line {
	size_t len;
	char text[480];
};

/*
 * Append "name(arguments)". @finished false: the call has not run, so nothing it writes is shown;
 * otherwise @result is what it returned. Reads user memory through trace_read_user(); process
 * context.
 */
void trace_format_call(struct trace_line *line, const struct trace_call *call, bool finished,
		       long result);
/* Append " = result". */
void trace_format_result(struct trace_line *line, uint64_t nr, long result);

/* True if all of [addr, addr + len) could be read. */
bool trace_read_user(void *dst, uint64_t addr, size_t len);

#ifdef CONFIG_SYSTRACE

/* For the dispatcher, when the thread has WORK_TRACE. */
void systrace_enter(struct trace_call *call, struct regs *regs, uint64_t nr);
void systrace_exit(const struct trace_call *call, long result);

/*
 * A thread was made (it has its process and number, and does not run yet; @parent is the child
 * itself for PID 1); a thread's name changed (exec, PR_SET_NAME): decide whether it is traced.
 * Thread context.
 */
void systrace_thread_created(struct thread *child, const struct thread *parent);
void systrace_thread_named(struct thread *t);

/* prctl's last resort: PR_AEGIS_SYSTRACE with the mode in @arg2; -EINVAL for any other option. */
long systrace_prctl(int option, unsigned long arg2, unsigned long arg3, unsigned long arg4,
		    unsigned long arg5);

#else

static inline void systrace_enter(struct trace_call *call, struct regs *regs, uint64_t nr) { }
static inline void systrace_exit(const struct trace_call *call, long result) { }
static inline void systrace_thread_created(struct thread *child, const struct thread *parent) { }
static inline void systrace_thread_named(struct thread *t) { }
static inline long systrace_prctl(int option, unsigned long arg2, unsigned long arg3,
				  unsigned long arg4, unsigned long arg5)
{
	return -EINVAL;
}

#endif

#endif
