/* SPDX-License-Identifier: MIT */
/*
 * The strings that execve passes on, and the first content of the new stack:
 *
 *	stack_top	8 zero bytes
 *			name, environment strings, argument strings (ascending: arguments first)
 *			16 random bytes, platform string
 *			auxiliary vector
 *			environment pointers, NULL
 *			argument pointers, NULL
 *	sp		argc
 *
 * Strings are gathered in one kernel buffer that grows; the whole top of the stack is then
 * assembled in another and written to the new address space at once.
 */
#include <arch/cpu.h>
#include <arch/signal.h>
#include <kernel/process.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <security/random.h>
#include <uapi/auxv.h>
#include <uapi/elf.h>
#include <uapi/fcntl.h>
#include <uapi/limits.h>
#include <uapi/rseq.h>
#include "exec.h"

#define ARG_BYTES_LEAST	(128u << 10)	/* allowed whatever the stack limit is */
#define ARG_BYTES_MOST	(6u << 20)
#define ONE_STRING_MOST	(32 * PAGE_SIZE)

static size_t argument_limit(void)
{
	uint64_t quarter = process_rlimit(current_process(), RLIMIT_STACK) / 4;

	return (size_t)clamp(quarter, (uint64_t)ARG_BYTES_LEAST, (uint64_t)ARG_BYTES_MOST);
}

static int make_room(struct exec *e, size_t more)
{
	size_t want = max(e->size * 2, align_up(e->used + more, PAGE_SIZE));
	char *bigger;

	if (more <= e->size - e->used)
		return 0;
	if (e->used + more > e->limit)
		return -E2BIG;
	bigger = kvmalloc(want, ALLOC_NORMAL);
	if (!bigger)
		return -ENOMEM;
	memcpy(bigger, e->strings, e->used);
	kvfree(e->strings);
	e->strings = bigger;
	e->size = want;
	return 0;
}

/*
 * Copy one string, growing the buffer until it fits.  The user may change it meanwhile: only what
 * was copied counts.
 */
static int add_user_string(struct exec *e, uaddr_t s)
{
	for (;;) {
		size_t room = e->size - e->used;
		long n = room ? copy_string_from_user(e->strings + e->used, s, room) :
			-ENAMETOOLONG;
		int err;

		if (n >= 0) {
			e->used += (size_t)n + 1;
			return (size_t)n >= ONE_STRING_MOST ? -E2BIG : 0;
		}
		if (n != -ENAMETOOLONG)
			return (int)n;
		if (room > ONE_STRING_MOST)
			return -E2BIG;
		err = make_room(e, room + PAGE_SIZE);
		if (err)
			return err;
	}
}

/* Pointers count against the limit too. */
static int add_user_vector(struct exec *e, uaddr_t vec, unsigned int *count)
{
	uint64_t s;
	int err;

	if (!vec.v)
		return 0;
	for (;;) {
		if (get_user(&s, UADDR(vec.v + *count * sizeof(s))))
			return -EFAULT;
		if (!s)
			return 0;
		err = add_user_string(e, UADDR(s));
		if (err)
			return err;
		++*count;
		if (e->used + (e->argc + e->envc) * sizeof(s) > e->limit)
			return -E2BIG;
	}
}

static int add_kernel_string(struct exec *e, const char *s)
{
	size_t len = strlen(s) + 1;
	int err = make_room(e, len);

	if (err)
		return err;
	memcpy(e->strings + e->used, s, len);
	e->used += len;
	return 0;
}

static int start(struct exec *e)
{
	e->limit = argument_limit();
	e->size = PAGE_SIZE;
	e->strings = kvmalloc(e->size, ALLOC_NORMAL);
	return e->strings ? 0 : -ENOMEM;
}

static int copy_name(struct exec *e, uaddr_t path, bool may_be_empty)
{
	long n;

	e->name = kmalloc(PATH_MAX, ALLOC_NORMAL);
	if (!e->name)
		return -ENOMEM;
	n = copy_string_from_user(e->name, path, PATH_MAX);
	if (n == 0 && !may_be_empty)
		return -ENOENT;
	return n < 0 ? (int)n : 0;
}

long exec_strings_user(struct exec *e, int dirfd, uaddr_t path, uaddr_t argv, uaddr_t envp,
		       unsigned int flags)
{
	int err = copy_name(e, path, flags & AT_EMPTY_PATH);

	if (!err)
		err = start(e);
	if (!err)
		err = add_user_vector(e, argv, &e->argc);
	if (!err && !e->argc) {		/* a program without arguments gets an empty name */
		err = add_kernel_string(e, "");
		e->argc = 1;
	}
	e->args_len = e->used;
	if (!err)
		err = add_user_vector(e, envp, &e->envc);
	if (err)
		exec_strings_free(e);
	return err;
}

int exec_strings_kernel(struct exec *e, const char *path)
{
	static const char *const env[] = { "HOME=/", "TERM=linux" };
	int err = start(e);

	e->name = kstrdup(path, ALLOC_NORMAL);
	if (!err && !e->name)
		err = -ENOMEM;
	if (!err)
		err = add_kernel_string(e, path);
	e->argc = 1;
	e->args_len = e->used;
	for (unsigned int i = 0; !err && i < ARRAY_SIZE(env); i++, e->envc++)
		err = add_kernel_string(e, env[i]);
	if (err)
		exec_strings_free(e);
	return err;
}

/*
 * A program given as a descriptor has no name of its own, but comm, AT_EXECFN and a script's
 * interpreter need one that works in the new process: /dev/fd/N, with the rest of the path if there
 * was one.
 */
int exec_name_fd(struct exec *e, int dirfd)
{
	size_t size = strlen(e->name) + 32;
	char *name;

	if (dirfd == AT_FDCWD || e->name[0] == '/')
		return 0;
	name = kmalloc(size, ALLOC_NORMAL);
	if (!name)
		return -ENOMEM;
	snprintf(name, size, "/dev/fd/%d%s%s", dirfd, e->name[0] ? "/" : "", e->name);
	kfree(e->name);
	e->name = name;
	return 0;
}

/*
 * argv[0] gives way to the interpreter, its argument if any, and the script's name.  When the
 * interpreter is a script itself, argv[0] is its name already and stays.
 */
int exec_strings_script(struct exec *e, const char *interpreter, const char *arg)
{
	size_t old = e->is_script ? 0 : strlen(e->strings) + 1, ilen = strlen(interpreter) + 1;
	size_t alen = arg ? strlen(arg) + 1 : 0, nlen = e->is_script ? 0 : strlen(e->name) + 1;
	size_t new = ilen + alen + nlen;
	int err = make_room(e, new);

	if (err)
		return err;
	memmove(e->strings + new, e->strings + old, e->used - old);
	memcpy(e->strings, interpreter, ilen);
	if (arg)
		memcpy(e->strings + ilen, arg, alen);
	memcpy(e->strings + ilen + alen, e->name, nlen);
	e->used += new - old;
	e->args_len += new - old;
	e->argc += arg ? 2 : 1;
	e->is_script = true;
	return 0;
}

void exec_strings_free(struct exec *e)
{
	kvfree(e->strings);
	kfree(e->name);
	e->strings = e->name = NULL;
}

struct vector {
	struct auxv_entry entries[32];
	unsigned int nr;
};

static void aux(struct vector *v, uint64_t type, uint64_t value)
{
	v->entries[v->nr++] = (struct auxv_entry){ .a_type = type, .a_val = value };
}

struct placement {
	uint64_t name, strings, random, platform;
};

static void fill_vector(struct vector *v, const struct exec *e, const struct placement *at)
{
	const struct exec_image *p = &e->program;
	const struct cred *c = e->cred ? e->cred : current_cred();

	aux(v, AT_SYSINFO_EHDR, e->as->vdso);
	aux(v, AT_MINSIGSTKSZ, arch_signal_frame_size());
	aux(v, AT_HWCAP, arch_hwcap());
	aux(v, AT_PAGESZ, PAGE_SIZE);
	aux(v, AT_CLKTCK, 100);
	aux(v, AT_PHDR, p->img.phdr_addr ? p->img.phdr_addr + p->base : 0);
	aux(v, AT_PHENT, sizeof(struct elf64_phdr));
	aux(v, AT_PHNUM, p->img.phdr_count);
	aux(v, AT_BASE, e->interpreter.base);
	aux(v, AT_FLAGS, 0);
	aux(v, AT_ENTRY, p->entry);
	aux(v, AT_UID, c->uid);
	aux(v, AT_EUID, c->euid);
	aux(v, AT_GID, c->gid);
	aux(v, AT_EGID, c->egid);
	aux(v, AT_SECURE, e->secure);
	aux(v, AT_RANDOM, at->random);
	aux(v, AT_HWCAP2, arch_hwcap2());
	aux(v, AT_RSEQ_FEATURE_SIZE, offset_of(struct rseq, __pad));
	aux(v, AT_RSEQ_ALIGN, sizeof(struct rseq));
	aux(v, AT_EXECFN, at->name);
	aux(v, AT_PLATFORM, at->platform);
	aux(v, AT_NULL, 0);
}

/* Pointers to each of @count strings that follow one another from @*at on; NULL ends them. */
static uint64_t *put_pointers(uint64_t *out, const char *strings, size_t *offset, uint64_t base,
			      unsigned int count)
{
	while (count--) {
		*out++ = base + *offset;
		*offset += strlen(strings + *offset) + 1;
	}
	*out++ = 0;
	return out;
}

static void note_strings(struct exec *e, const struct placement *at)
{
	e->as->arg_start = at->strings;
	e->as->arg_end = e->as->env_start = at->strings + e->args_len;
	e->as->env_end = at->strings + e->used;
}

int exec_build_stack(struct exec *e)
{
	size_t name_len = strlen(e->name) + 1, platform_len = sizeof(AT_PLATFORM_STRING);
	uint64_t top = (uint64_t)e->stack_top, sp, random_jitter = 0;
	size_t words, size, offset = 0;
	struct vector v = { .nr = 0 };
	struct placement at;
	uint64_t *out;
	char *image;

	random_bytes(&random_jitter, sizeof(random_jitter));
	at.name = top - 8 - name_len;
	at.strings = at.name - e->used;
	at.platform = at.strings - platform_len;
	at.random = (at.platform - 16 - (random_jitter & 0xff0)) & ~15UL;
	fill_vector(&v, e, &at);
	words = 1 + e->argc + 1 + e->envc + 1 + v.nr * 2;
	sp = (at.random - words * 8) & ~15UL;
	size = top - sp;
	image = kvmalloc(size, ALLOC_NORMAL | ALLOC_ZERO);
	if (!image)
		return -ENOMEM;
	out = (uint64_t *)image;
	*out++ = e->argc;
	out = put_pointers(out, e->strings, &offset, at.strings, e->argc);
	out = put_pointers(out, e->strings, &offset, at.strings, e->envc);
	memcpy(out, v.entries, v.nr * sizeof(v.entries[0]));
	random_bytes(image + (at.random - sp), 16);
	memcpy(image + (at.platform - sp), AT_PLATFORM_STRING, platform_len);
	memcpy(image + (at.strings - sp), e->strings, e->used);
	memcpy(image + (at.name - sp), e->name, name_len);
	size -= aspace_access(e->as, sp, image, size, true, true);
	kvfree(image);
	if (size)
		return -E2BIG;
	note_strings(e, &at);
	memcpy(e->as->auxv, v.entries, v.nr * sizeof(v.entries[0]));
	e->as->auxv_len = v.nr * (uint32_t)sizeof(v.entries[0]);
	e->sp = sp;
	return 0;
}
