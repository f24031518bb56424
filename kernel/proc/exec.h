/* SPDX-License-Identifier: MIT */
/* One execve in progress; shared by exec.c and exec_stack.c. */
#ifndef KERNEL_PROC_EXEC_H
#define KERNEL_PROC_EXEC_H

#include <lib/elf.h>
#include <mm/aspace.h>

#define EXEC_HEAD 256			/* how much of a file the #! line may take */

struct exec_image {
	uint64_t entry, base;
	struct elf_image img;
};

struct exec {
	struct file *file;		/* counted */
	struct aspace *as;		/* being built */
	uint64_t stack_limit;
	struct exec_image program, interpreter;	/* interpreter.entry 0: none */
	int64_t stack_top;
	uint64_t sp;			/* where the new program starts */

	/* Strings, one after the other: arguments, then environment; the name apart. */
	char *name;			/* as given: AT_EXECFN */
	char *strings;
	size_t used, size;		/* of strings */
	size_t args_len;		/* bytes of the arguments */
	unsigned int argc, envc;
	size_t limit;			/* E2BIG beyond */
	bool is_script;			/* argument 0 names an interpreter already */

	struct cred *cred;		/* of the new program; NULL: the old one's */
	bool set_id, secure;		/* ids change; AT_SECURE */
};

/*
 * exec_stack.c: gather the strings, change them for a script, free them, and lay out the new stack.
 */
long exec_strings_user(struct exec *e, int dirfd, uaddr_t path, uaddr_t argv, uaddr_t envp,
		       unsigned int flags);
int exec_strings_kernel(struct exec *e, const char *path);
int exec_name_fd(struct exec *e, int dirfd);	/* a name for what was opened relative to @dirfd */
int exec_strings_script(struct exec *e, const char *interpreter, const char *arg);
void exec_strings_free(struct exec *e);
int exec_build_stack(struct exec *e);

/* vdso.c */
int vdso_map(struct aspace *as);

#endif
