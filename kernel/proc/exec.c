/* SPDX-License-Identifier: MIT */
/*
 * execve: a new program in the old process.
 *
 * The new address space is built completely beside the old one; whatever can fail, fails
 * there, and the caller goes on as before.  Then comes the point of no return: the other
 * threads end, the address space is exchanged, and what a program may not inherit goes.
 */
#include <arch/cpu.h>
#include <arch/regs.h>
#include <arch/signal.h>
#include <arch/thread.h>
#include <generated/syscall_protos.h>
#include <kernel/file.h>
#include <kernel/futex.h>
#include <kernel/log.h>
#include <kernel/posix_timer.h>
#include <kernel/sched.h>
#include <lib/elf.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <security/random.h>
#include <uapi/elf.h>
#include <uapi/fcntl.h>
#include <uapi/limits.h>
#include <uapi/mman.h>
#include <uapi/personality.h>
#include <uapi/wait.h>
#include "exec.h"
#include "ptrace_internal.h"

#define SCRIPT_DEPTH	5
/* where position-independent programs go, as on Linux */
#define PIE_BASE	(USER_TOP / 3 * 2)

static const struct elf_rules rules = {
	.machine = ELF_MACHINE, .page_size = PAGE_SIZE, .user_end = USER_TOP,
};

static unsigned int segment_prot(uint32_t flags)
{
	return (flags & PF_R ? PROT_READ : 0u) | (flags & PF_W ? PROT_WRITE : 0u) |
	       (flags & PF_X ? PROT_EXEC : 0u);
}

static bool randomises(void)
{
	return !(current_process()->personality & ADDR_NO_RANDOMIZE);
}

/* Headers of @f, checked.  The caller frees *@phdrs. */
static int read_elf(struct file *f, struct elf_image *img, void **phdrs)
{
	char head[64];
	int64_t at = 0;
	ssize_t n = file_read_kernel(f, head, sizeof(head), &at);
	int err;

	if (n < 0)
		return (int)n;
	err = elf_check_header(head, (size_t)n, file_size(f), &rules, img);
	if (err)
		return err;
	*phdrs = kmalloc(img->phdr_bytes, ALLOC_NORMAL);
	if (!*phdrs)
		return -ENOMEM;
	at = (int64_t)img->phdr_off;
	n = file_read_kernel(f, *phdrs, img->phdr_bytes, &at);
	err = n == (ssize_t)img->phdr_bytes ? elf_check_segments(*phdrs, &rules, img) :
		n < 0 ? (int)n : -ENOEXEC;
	if (err)
		kfree(*phdrs);
	return err;
}

/*
 * The part of the last file page behind the segment's data begins the bss and must be zero, to the
 * end of the page: programs take what the bss leaves of it for their heap (glibc's ld.so does).
 */
static int clear_tail(struct aspace *as, uint64_t from, uint64_t to)
{
	static const char zeros[256];

	while (from < to) {
		size_t n = min(to - from, (uint64_t)sizeof(zeros));

		if (aspace_access(as, from, (void *)(uintptr_t)zeros, n, true, true) != n)
			return -EFAULT;
		from += n;
	}
	return 0;
}

static int map_fixed(struct aspace *as, struct file *f, uint64_t addr, uint64_t len,
		     unsigned int prot, uint64_t off)
{
	int64_t at = aspace_mmap(as, &(struct mmap_args){
		.addr = addr, .len = len, .prot = prot, .file = f, .offset = off,
		.flags = MAP_PRIVATE | MAP_FIXED | (f ? 0 : MAP_ANONYMOUS),
	});

	return at < 0 ? (int)at : 0;
}

static int map_segment(struct aspace *as, struct file *f, const struct elf_segment *s,
		       uint64_t bias)
{
	uint64_t va = s->vaddr + bias, start = va & PAGE_MASK, file_end = va + s->file_size;
	uint64_t mapped_end = align_up(file_end, PAGE_SIZE),
		end = align_up(va + s->mem_size, PAGE_SIZE);
	unsigned int prot = segment_prot(s->flags);
	int err = 0;

	if (s->file_size)
		err = map_fixed(as, f, start, mapped_end - start, prot, s->file_off & PAGE_MASK);
	else
		mapped_end = start;
	if (!err && s->mem_size > s->file_size && s->file_size)
		err = clear_tail(as, file_end, mapped_end);
	if (!err && end > mapped_end)
		err = map_fixed(as, NULL, mapped_end, end - mapped_end, prot, 0);
	return err;
}

static void note_bounds(struct aspace *as, const struct elf_segment *s, uint64_t bias)
{
	uint64_t start = s->vaddr + bias, file_end = start + s->file_size;

	if (s->flags & PF_X) {
		as->code_start = as->code_start ? min(as->code_start, start) : start;
		as->code_end = max(as->code_end, file_end);
	} else {
		as->data_start = as->data_start ? min(as->data_start, start) : start;
		as->data_end = max(as->data_end, file_end);
	}
}

static int map_all(struct aspace *as, struct file *f, const struct elf_image *img,
		   const void *phdrs, uint64_t bias, bool is_program)
{
	struct elf_segment s;
	unsigned int i = 0;
	int err = 0;

	while (!err && elf_load_segment(img, phdrs, &i, &s)) {
		err = map_segment(as, f, &s, bias);
		if (is_program)
			note_bounds(as, &s, bias);
	}
	return err;
}

/*
 * A place for a position-independent image; reserves it so that its segments can be mapped over it.
 */
static int64_t choose_bias(struct aspace *as, const struct elf_image *img, uint64_t hint)
{
	uint64_t len = img->end - img->start, slack = img->align - PAGE_SIZE;
	int64_t at = aspace_mmap(as, &(struct mmap_args){
		.addr = hint, .len = len + slack, .prot = PROT_NONE,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE });
	uint64_t base;

	if (at < 0)
		return at;
	base = align_up((uint64_t)at, img->align);
	(void)!aspace_munmap(as, (uint64_t)at, len + slack);
	return (int64_t)(base - img->start);
}

static uint64_t pie_hint(void)
{
	uint64_t random = 0;

	if (randomises())
		random_bytes(&random, sizeof(random));
	return (PIE_BASE + (random & 0xfffffff) * PAGE_SIZE) & PAGE_MASK;
}


/* Map image @f into @as.  @hint 0: an interpreter, anywhere. */
static int load_image(struct aspace *as, struct file *f, const struct elf_image *img,
		      const void *phdrs, uint64_t hint, bool is_program, struct exec_image *out)
{
	int64_t bias = 0;
	int err;

	if (img->type == ET_DYN) {
		bias = choose_bias(as, img, hint);
		if (bias < 0)
			return (int)bias;
	}
	err = map_all(as, f, img, phdrs, (uint64_t)bias, is_program);
	*out = (struct exec_image){ .entry = img->entry + (uint64_t)bias, .base = (uint64_t)bias,
				    .img = *img };
	return err;
}

static int load_interpreter(struct aspace *as, struct file *program, const struct elf_image *img,
			    struct exec_image *out)
{
	int64_t at = (int64_t)img->interp_off;
	char *name = kmalloc(img->interp_len, ALLOC_NORMAL);
	struct elf_image interp;
	struct file *f;
	void *phdrs;
	int err;

	if (!name)
		return -ENOMEM;
	if (file_read_kernel(program, name, img->interp_len, &at) != (ssize_t)img->interp_len ||
	    name[img->interp_len - 1]) {
		kfree(name);
		return -ENOEXEC;
	}
	f = file_open_exec(AT_FDCWD, name, 0);
	kfree(name);
	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	err = read_elf(f, &interp, &phdrs);
	if (!err) {
		err = load_image(as, f, &interp, phdrs, 0, false, out);
		kfree(phdrs);
	}
	file_put(f);
	return err == -ENOEXEC ? -ELIBBAD : err;
}

static int setup_brk(struct aspace *as, const struct exec_image *program)
{
	uint64_t start = program->img.end + program->base, random = 0;

	if (randomises())
		random_bytes(&random, sizeof(random));
	return aspace_setup_brk(as, start + (random & 0x1fff) * PAGE_SIZE);
}

/* Everything of the new program but the stack's content. */
static int load_program(struct exec *e)
{
	struct elf_image img;
	void *phdrs;
	int err = read_elf(e->file, &img, &phdrs);

	if (err)
		return err;
	aspace_layout(e->as, e->stack_limit, randomises());
	err = load_image(e->as, e->file, &img, phdrs, pie_hint(), true, &e->program);
	kfree(phdrs);
	if (!err && img.interp_len)
		err = load_interpreter(e->as, e->file, &img, &e->interpreter);
	if (!err)
		err = setup_brk(e->as, &e->program);
	if (!err)
		err = vdso_map(e->as);
	if (err)
		return err;
	e->stack_top = aspace_setup_stack(e->as, e->stack_limit, img.has_stack &&
					  (img.stack_flags & PF_X));
	return e->stack_top < 0 ? (int)e->stack_top : exec_build_stack(e);
}

/*
 * The #! line in @line: the interpreter's name, and its one argument or "".  -ENOEXEC: none, or cut
 * in the name.
 */
static int parse_script_line(char *line, size_t len, char **name, char **arg)
{
	char *end = memchr(line, '\n', len), *s = line + 2;

	line[end ? (size_t)(end - line) : len] = '\0';
	s += strspn(s, " \t");
	*name = s;
	s += strcspn(s, " \t");
	if (s == *name || (!end && len == EXEC_HEAD && !*s))
		return -ENOEXEC;
	if (*s)
		*s++ = '\0';
	*arg = s + strspn(s, " \t");
	for (size_t n = strlen(*arg); n && ((*arg)[n - 1] == ' ' || (*arg)[n - 1] == '\t'); n--)
		(*arg)[n - 1] = '\0';
	return 0;
}

/* The interpreter with its argument goes before the script's name.  1: replaced, look again. */
static int replace_by_interpreter(struct exec *e, char *line, size_t len)
{
	char *name, *arg;
	struct file *f;
	int err = parse_script_line(line, len, &name, &arg);

	if (!err)
		err = exec_strings_script(e, name, *arg ? arg : NULL);
	if (err)
		return err;
	f = file_open_exec(AT_FDCWD, name, 0);
	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	err = file_deny_write(f);
	if (err) {
		file_put(f);
		return err;
	}
	/* Each deny has its allow: exec_file() gives back what e->file names in the end. */
	file_allow_write(e->file);
	file_put(e->file);
	e->file = f;
	return 1;
}

static int resolve_scripts(struct exec *e)
{
	for (unsigned int depth = 0; depth <= SCRIPT_DEPTH; depth++) {
		char head[EXEC_HEAD + 1];
		int64_t at = 0;
		ssize_t n = file_read_kernel(e->file, head, EXEC_HEAD, &at);
		int result;

		if (n < 0)
			return (int)n;
		if (n < 2 || head[0] != '#' || head[1] != '!')
			return 0;
		result = replace_by_interpreter(e, head, (size_t)n);
		if (result <= 0)
			return result;
	}
	return -ELOOP;
}

/* Wait until the caller is the only thread; the process's number becomes its own. */
int exec_kill_others(void)
{
	struct thread *me = current_thread(), *t;
	struct process *p = me->process;
	unsigned long flags;
	struct sighand *s = sighand_lock(p, &flags);

	if (p->group_stop == GROUP_EXIT || p->exec_thread) {
		sighand_unlock(s, flags);
		return -EAGAIN;
	}
	if (p->nr_threads > 1) {
		p->exec_thread = me;
		list_for_each_entry_rcu(t, &p->threads, process_node)
			if (t != me)
				signal_wake_fatal(t);
	}
	sighand_unlock(s, flags);
	while (p->exec_thread) {
		thread_set_state(THREAD_UNINTERRUPTIBLE);
		if (__atomic_load_n(&p->nr_threads, __ATOMIC_ACQUIRE) == 1)
			break;
		schedule();
	}
	thread_set_state(THREAD_RUNNING);
	/* The leader may have left before, too: then the last thread is not it. */
	process_take_leadership(p, me);
	p->exec_thread = NULL;
	return 0;
}

static int unshare_sighand(struct process *p)
{
	struct sighand *old = p->sighand, *s;
	unsigned long flags;

	if (refcount_read(&old->refs) == 1)
		return 0;
	s = sighand_alloc();
	if (!s)
		return -ENOMEM;
	flags = spin_lock_irqsave(&old->lock);
	memcpy(s->actions, old->actions, sizeof(s->actions));
	rcu_assign(p->sighand, s);
	spin_unlock_irqrestore(&old->lock, flags);
	sighand_put(old);
	return 0;
}

static void reset_handlers(struct process *p)
{
	unsigned long flags;
	struct sighand *s = sighand_lock(p, &flags);

	for (unsigned int i = 0; i < SIGHAND_ACTIONS; i++) {
		struct sigaction *a = &s->actions[i];

		*a = (struct sigaction){ .sa_handler = a->sa_handler == SIG_IGN ? SIG_IGN :
					 SIG_DFL };
	}
	sighand_unlock(s, flags);
}

static void set_comm(struct thread *t, const char *path)
{
	const char *slash = strrchr(path, '/');

	memset(t->name, 0, sizeof(t->name));
	str_copy_cut(t->name, slash ? slash + 1 : path, sizeof(t->name));
}

/*
 * The new program's memory, the ids it has, and whether others of these ids may look at it:
 * together for ptrace_aspace_get().  One with other ids than its user's leaves no core file either.
 */
static void take_space_and_ids(struct exec *e)
{
	struct process *p = current_process();

	mutex_lock(&p->reach_lock);
	thread_release_aspace(current_thread(), e->as);
	e->as = NULL;
	p->dumpable = !e->set_id && !e->secure;
	if (e->cred)
		cred_commit(e->cred);
	e->cred = NULL;
	mutex_unlock(&p->reach_lock);
}

/* Point of no return: what the new program must not inherit. */
static void become(struct exec *e, struct regs *regs)
{
	struct thread *t = current_thread();
	struct process *p = t->process;

	futex_thread_release(t);
	e->as->exe = e->file;	/* with a deny of its own, for as long as the program runs */
	file_ref(e->file);
	(void)!file_deny_write(e->file);	/* cannot fail: exec_file() denies already */
	take_space_and_ids(e);
	process_timers_exec(p);
	reset_handlers(p);
	files_close_on_exec(t->files);
	t->altstack = (stack_t){ .ss_flags = SS_DISABLE };
	t->robust_list = t->rseq = t->clear_child_tid = 0;
	t->restart.fn = NULL;
	if (e->set_id) {	/* what its user prepared must not reach the owner's program */
		t->pdeath_signal = 0;
		p->personality &= ~(uint32_t)PER_CLEAR_ON_SETID;
	}
	p->did_exec = true;
	p->keep_caps = 0;
	p->leader->exit_signal = SIGCHLD;
	set_comm(t, e->name);
	arch_thread_exec(regs, e->interpreter.entry ? e->interpreter.entry : e->program.entry,
			 e->sp);
}

/*
 * The credentials of the new program.  A set-id bit gives the ids of the file that is loaded, so a
 * script's own bits count for nothing; no_new_privs and mounts with nosuid give none.  The saved
 * ids follow in any case.
 */
static int choose_cred(struct exec *e)
{
	const struct cred *old = current_cred();
	struct file_ids ids = { .uid = old->euid, .gid = old->egid };
	struct cred *c;

	if (!current_process()->no_new_privs && !ptrace_forbids_set_id())
		file_set_ids(e->file, &ids);
	e->set_id = ids.uid != old->euid || ids.gid != old->egid;
	e->secure = ids.uid != old->uid || ids.gid != old->gid;
	if (!e->set_id && old->suid == ids.uid && old->fsuid == ids.uid && old->sgid == ids.gid &&
	    old->fsgid == ids.gid)
		return 0;
	c = cred_copy();
	if (!c)
		return -ENOMEM;
	c->euid = c->suid = c->fsuid = ids.uid;
	c->egid = c->sgid = c->fsgid = ids.gid;
	e->cred = c;
	return 0;
}

static int exec_file(struct exec *e, struct regs *regs)
{
	struct process *p = current_process();
	int err;

	e->stack_limit = process_rlimit(p, RLIMIT_STACK);
	err = file_deny_write(e->file);
	if (err)
		return err;
	err = resolve_scripts(e);
	if (!err)
		err = choose_cred(e);
	if (err)
		goto allow;
	e->as = aspace_create();
	if (IS_ERR(e->as)) {
		err = (int)PTR_ERR(e->as);
		goto allow;
	}
	err = load_program(e);
	if (!err)
		err = files_unshare();
	if (!err)
		err = unshare_sighand(p);
	if (!err)
		err = exec_kill_others();
	if (!err)
		become(e, regs);
	else
		aspace_unuse(e->as);
allow:
	if (e->cred)
		cred_put(e->cred);
	file_allow_write(e->file);
	return err;
}

static long do_exec(struct exec *e, struct regs *regs)
{
	struct process *p = current_process();
	int err = mutex_lock_killable(&p->exec_lock);

	if (err)
		return err;
	err = exec_file(e, regs);
	mutex_unlock(&p->exec_lock);
	return err;
}

static long exec_user(struct regs *regs, int dirfd, uaddr_t path, uaddr_t argv, uaddr_t envp,
		      unsigned int flags)
{
	struct exec e = { 0 };
	int old_tid = current_thread()->pid->nr;
	long err = exec_strings_user(&e, dirfd, path, argv, envp, flags);

	if (err)
		return err;
	e.file = file_open_exec(dirfd, e.name, flags);
	if (IS_ERR(e.file)) {
		err = PTR_ERR(e.file);
	} else {
		err = exec_name_fd(&e, dirfd);
		if (!err)
			err = do_exec(&e, regs);
		file_put(e.file);
	}
	exec_strings_free(&e);
	if (err)
		return err;
	ptrace_exec(old_tid);
	return regs_return(regs);
}

long sys_execve(struct regs *regs, uaddr_t path, uaddr_t argv, uaddr_t envp)
{
	return exec_user(regs, AT_FDCWD, path, argv, envp, 0);
}

long sys_execveat(struct regs *regs, int dirfd, uaddr_t path, uaddr_t argv, uaddr_t envp,
		  unsigned int flags)
{
	if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	return exec_user(regs, dirfd, path, argv, envp, flags);
}

/*
 * PID 1's first program: the thread is a kernel thread until it returns from here into user mode.
 */
int exec_kernel(const char *path)
{
	struct thread *t = current_thread();
	struct exec e = { 0 };
	int err = arch_thread_init_user(t);

	if (!err)
		err = exec_strings_kernel(&e, path);
	if (err)
		return err;
	e.file = file_open_exec(AT_FDCWD, path, 0);
	if (IS_ERR(e.file)) {
		err = (int)PTR_ERR(e.file);
	} else {
		err = (int)do_exec(&e, arch_user_regs(t));
		file_put(e.file);
	}
	exec_strings_free(&e);
	return err;
}
