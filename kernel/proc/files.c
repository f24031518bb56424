/* SPDX-License-Identifier: MIT */
/*
 * Open files and descriptor tables.  Before: <kernel/file.h>.
 *
 * F1  While files->users is 1 only the running thread changes the table, so it reads
 *     and uses entries without references.  Others (/proc) look under files->lock and take
 *     references.
 * F2  Threads that share a table read it under RCU and take a reference unless it is 0.  A file
 *     that is removed from a shared table gets FMODE_RCU_FREE first, so that its memory outlives
 *     such readers.  A file that never was needs no delay.
 * F3  A reserved descriptor has its bit in used set and no file.  It belongs to who reserved it.
 */
#include <fs/poll.h>
#include <kernel/file.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <lib/bitmap.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/fcntl.h>

static struct slab_cache *file_cache;

void file_init(void)
{
	file_cache = slab_cache_create(&(struct slab_cache_args){
		.name = "file", .size = sizeof(struct file), .align = 64 });
	if (IS_ERR(file_cache))
		panic("files: no memory");
}

struct file *file_alloc(const struct file_ops *ops, void *priv, uint32_t flags)
{
	static const uint8_t modes[4] = { FMODE_READ, FMODE_WRITE, FMODE_READ | FMODE_WRITE, 0 };
	struct file *f = slab_alloc(file_cache, 0);

	if (unlikely(!f))
		return NULL;
	f->ops = ops;
	refcount_set(&f->refs, 1);
	f->mode = modes[flags & O_ACCMODE];
	f->flags = flags & ~(uint32_t)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
	f->path.mount = NULL;
	f->path.dentry = NULL;
	f->inode = NULL;
	f->priv = priv;
	f->position = 0;
	mutex_init(&f->position_lock, FILE_POSITION);
	f->cred = current_cred();
	cred_ref(f->cred);
	list_init(&f->epoll_items);
	spinlock_init(&f->lock, FILE_STATE);
	f->owner = NULL;
	f->owner_signal = 0;
	f->write_error_seen = 0;
	f->super_error_seen = 0;
	f->cap_lineage = 0;
	f->readahead = (struct file_readahead){ 0 };
	return f;
}

void file_ref(struct file *f)
{
	refcount_inc(&f->refs);
}

static void file_free_rcu(struct rcu_head *head)
{
	slab_free(file_cache, container_of(head, struct file, rcu));
}

static __noinline void file_release_rare(struct file *f)
{
	if (f->mode & FMODE_WATCHED)
		epoll_release_file(f);
	if (f->mode & FMODE_LOCKS)
		file_unlock_all(f);
	if ((f->flags & FASYNC) && f->ops->fasync)
		(void)f->ops->fasync(f, false);
	if (f->owner)
		pid_put(f->owner);
}

static void file_release(struct file *f)
{
	if (unlikely((f->mode & (FMODE_LOCKS | FMODE_WATCHED)) || f->owner || (f->flags & FASYNC)))
		file_release_rare(f);
	if ((f->mode & FMODE_OPENED) && f->ops->release)
		f->ops->release(f);
	if (f->path.dentry || f->inode)
		file_leave_inode(f);
	cred_put(f->cred);
	if (unlikely(f->mode & FMODE_RCU_FREE))
		rcu_call(&f->rcu, file_free_rcu);
	else
		slab_free(file_cache, f);
}

void file_put(struct file *f)
{
	if (refcount_dec_and_test(&f->refs))
		file_release(f);
}

/* Tables. */

static struct fd_array *array_alloc(uint32_t size)
{
	size_t bitmap = size / 8, files = size * sizeof(struct file *);
	struct fd_array *a = kvmalloc(sizeof(*a) + files + 2 * bitmap, ALLOC_ZERO);

	if (!a)
		return NULL;
	a->size = size;
	a->used = (unsigned long *)(void *)((char *)a->files + files);
	a->cloexec = a->used + size / 64;
	return a;
}

static void array_free_rcu(struct rcu_head *head)
{
	kvfree(container_of(head, struct fd_array, rcu));
}

static void array_copy(struct fd_array *to, const struct fd_array *from, uint32_t count)
{
	memcpy(to->files, from->files, count * sizeof(struct file *));
	memcpy(to->used, from->used, count / 8);
	memcpy(to->cloexec, from->cloexec, count / 8);
}

struct files *files_create(void)
{
	struct files *f = kmalloc(sizeof(*f), 0);

	if (!f)
		return NULL;
	f->array = array_alloc(64);
	if (!f->array) {
		kfree(f);
		return NULL;
	}
	refcount_set(&f->users, 1);
	spinlock_init(&f->lock, FILES);
	f->next = 0;
	return f;
}

static uint32_t size_for(uint32_t fds)
{
	return max((uint32_t)roundup_pow2(fds), 64u);
}

/* Make room for descriptor @fd; files->lock is dropped and taken again. */
static int files_grow_locked(struct files *files, uint32_t fd)
{
	struct fd_array *old, *a;

	spin_unlock(&files->lock);
	a = array_alloc(size_for(fd + 1));
	spin_lock(&files->lock);
	if (!a)
		return -ENOMEM;
	old = files->array;
	if (old->size > fd) {
		kvfree(a);
		return 0;
	}
	array_copy(a, old, old->size);
	rcu_assign(files->array, a);
	rcu_call(&old->rcu, array_free_rcu);
	return 0;
}

static uint64_t fd_limit(void)
{
	return process_rlimit(current_process(), RLIMIT_NOFILE);
}

/* The lowest free descriptor >= @from and below @a->size, or a->size or more. */
static __always_inline uint32_t lowest_free(const struct files *files, const struct fd_array *a,
					    uint32_t from)
{
	uint32_t fd = max(from, files->next);
	unsigned long free;

	if (unlikely(fd >= a->size))
		return fd;
	/* The usual table has a free bit in the word where next points. */
	free = ~a->used[fd / 64] & ~0UL << fd % 64;
	return likely(free) ? (fd & ~63u) + ctz64(free) :
		(uint32_t)bitmap_find_next_zero(a->used, a->size, fd);
}

static __always_inline void take_bit(struct files *files, struct fd_array *a, uint32_t from,
				     uint32_t fd, unsigned int flags)
{
	a->used[fd / 64] |= 1UL << fd % 64;
	if (flags & O_CLOEXEC)
		a->cloexec[fd / 64] |= 1UL << fd % 64;
	else
		a->cloexec[fd / 64] &= ~(1UL << fd % 64);
	if (from <= files->next)
		files->next = fd + 1;
}

/* The general way: the table is shared or must grow. */
static __noinline int reserve_shared(struct files *files, unsigned int from, unsigned int flags,
				     uint64_t limit)
{
	struct fd_array *a;
	uint32_t fd;
	int err;

	if (from >= limit)
		return -EMFILE;
	spin_lock(&files->lock);
	for (;;) {
		a = files->array;
		fd = lowest_free(files, a, from);
		if (unlikely(fd >= limit)) {
			spin_unlock(&files->lock);
			return -EMFILE;
		}
		if (likely(fd < a->size))
			break;
		err = files_grow_locked(files, fd);
		if (err) {
			spin_unlock(&files->lock);
			return err;
		}
	}
	take_bit(files, a, from, fd, flags);
	spin_unlock(&files->lock);
	return (int)fd;
}

/* F1: in a table with one user nobody else changes bits; the lock is for the general way. */
int fd_reserve(unsigned int from, unsigned int flags)
{
	struct files *files = current_thread()->files;
	uint64_t limit = fd_limit();
	struct fd_array *a;
	uint32_t fd;

	if (unlikely(refcount_read(&files->users) != 1))
		return reserve_shared(files, from, flags, limit);
	/* a thread that left the table changed it before that */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	a = files->array;
	fd = lowest_free(files, a, from);
	if (unlikely(fd >= a->size || fd >= limit))
		return reserve_shared(files, from, flags, limit);
	take_bit(files, a, from, fd, flags);
	return (int)fd;
}

void fd_install(int fd, struct file *f)
{
	struct files *files = current_thread()->files;

	if (likely(refcount_read(&files->users) == 1)) {
		rcu_assign(files->array->files[fd], f);		/* F1, F3 */
		return;
	}
	spin_lock(&files->lock);
	rcu_assign(files->array->files[fd], f);
	spin_unlock(&files->lock);
}

static void release_bit_locked(struct files *files, uint32_t fd)
{
	struct fd_array *a = files->array;

	a->used[fd / 64] &= ~(1UL << fd % 64);
	if (fd < files->next)
		files->next = fd;
}

void fd_unreserve(int fd)
{
	struct files *files = current_thread()->files;

	spin_lock(&files->lock);
	release_bit_locked(files, (uint32_t)fd);
	spin_unlock(&files->lock);
}

int fd_install_new(struct file *f, unsigned int flags)
{
	int fd = fd_reserve(0, flags);

	if (unlikely(fd < 0))
		file_put(f);
	else
		fd_install(fd, f);
	return fd;
}

/* What leaving a table does to @f, whose table reference is ours. */
static void file_leave(struct files *files, struct file *f)
{
	if (f->ops->flush)
		f->ops->flush(f);
	if (f->inode)
		file_unlock_posix(f, files);
	file_put(f);
}

static void mark_shared(struct files *files, struct file *f)
{
	if (unlikely(refcount_read(&files->users) != 1))
		__atomic_fetch_or(&f->mode, FMODE_RCU_FREE, __ATOMIC_RELAXED);	/* F2 */
}

int fd_close(int fd)
{
	struct files *files = current_thread()->files;
	struct file *f = NULL;

	spin_lock(&files->lock);
	if (likely((uint32_t)fd < files->array->size))
		f = files->array->files[fd];
	if (unlikely(!f)) {
		spin_unlock(&files->lock);
		return -EBADF;
	}
	mark_shared(files, f);
	WRITE_ONCE(files->array->files[fd], NULL);
	release_bit_locked(files, (uint32_t)fd);
	spin_unlock(&files->lock);
	file_leave(files, f);
	return 0;
}

struct fd_ref fd_get_slow(struct files *files, unsigned int fd)
{
	struct fd_ref r = { NULL, true };
	struct fd_array *a;

	rcu_read_lock();
	do {
		a = rcu_dereference(files->array);
		r.file = fd < a->size ? rcu_dereference(a->files[fd]) : NULL;
		/* F2: a count of 0 means it was just closed: look again. */
	} while (r.file && !refcount_inc_not_zero(&r.file->refs));
	rcu_read_unlock();
	return r;
}

struct file *files_get_file(struct files *files, unsigned int fd)
{
	struct file *f = NULL;

	spin_lock(&files->lock);
	if (fd < files->array->size)
		f = files->array->files[fd];
	if (f)
		file_ref(f);
	spin_unlock(&files->lock);
	return f;
}

int files_next_fd(struct files *files, unsigned int from)
{
	struct fd_array *a;
	int found = -1;

	spin_lock(&files->lock);
	a = files->array;
	for (uint32_t fd = from; fd < a->size; fd++) {
		if (a->files[fd]) {
			found = (int)fd;
			break;
		}
	}
	spin_unlock(&files->lock);
	return found;
}

int fd_replace(int fd, struct file *f, unsigned int flags)
{
	struct files *files = current_thread()->files;
	struct file *old;
	int err = 0;

	if ((unsigned int)fd >= fd_limit())
		return -EBADF;
	spin_lock(&files->lock);
	while ((uint32_t)fd >= files->array->size && !err)
		err = files_grow_locked(files, (uint32_t)fd);
	old = err ? NULL : files->array->files[fd];
	if (!err && !old && (files->array->used[fd / 64] >> fd % 64 & 1))
		err = -EBUSY;		/* F3: another thread is opening it */
	if (err) {
		spin_unlock(&files->lock);
		return err;
	}
	files->array->used[fd / 64] |= 1UL << fd % 64;
	if (flags & O_CLOEXEC)
		files->array->cloexec[fd / 64] |= 1UL << fd % 64;
	else
		files->array->cloexec[fd / 64] &= ~(1UL << fd % 64);
	file_ref(f);
	if (old)
		mark_shared(files, old);
	rcu_assign(files->array->files[fd], f);
	spin_unlock(&files->lock);
	if (old)
		file_leave(files, old);
	return fd;
}

bool fd_cloexec(int fd, int set)
{
	struct files *files = current_thread()->files;
	unsigned long *word, bit = 1UL << fd % 64;
	bool was;

	spin_lock(&files->lock);
	word = &files->array->cloexec[fd / 64];
	was = *word & bit;
	if (set > 0)
		*word |= bit;
	else if (set == 0)
		*word &= ~bit;
	spin_unlock(&files->lock);
	return was;
}

/* The number of descriptors that a copy must hold, rounded up to words. */
static uint32_t used_words_size(const struct fd_array *a)
{
	uint32_t words = a->size / 64;

	while (words > 1 && !a->used[words - 1])
		words--;
	return words * 64;
}

struct files *files_clone(struct files *from)
{
	struct files *f = files_create();
	uint32_t count;

	if (!f)
		return ERR_PTR(-ENOMEM);
	spin_lock(&from->lock);
	while ((count = used_words_size(from->array)) > f->array->size) {
		spin_unlock(&from->lock);
		kvfree(f->array);
		f->array = array_alloc(size_for(count));
		if (!f->array) {
			kfree(f);
			return ERR_PTR(-ENOMEM);
		}
		spin_lock(&from->lock);
	}
	array_copy(f->array, from->array, count);
	f->next = from->next;
	for (uint32_t w = 0; w < count / 64; w++) {
		for (unsigned long bits = f->array->used[w]; bits; bits &= bits - 1) {
			uint32_t fd = w * 64 + ctz64(bits);

			if (f->array->files[fd]) {
				file_ref(f->array->files[fd]);
				continue;
			}
			/* Reserved by a sibling: not ours. */
			f->array->used[w] &= ~(1UL << fd % 64);
			f->next = min(f->next, fd);
		}
	}
	spin_unlock(&from->lock);
	return f;
}

void files_ref(struct files *f)
{
	refcount_inc(&f->users);
}

void files_put(struct files *files)
{
	struct fd_array *a = files->array;

	if (!refcount_dec_and_test(&files->users))
		return;
	for (uint32_t w = 0; w < a->size / 64; w++)
		for (unsigned long bits = a->used[w]; bits; bits &= bits - 1) {
			struct file *f = a->files[w * 64 + ctz64(bits)];

			if (f)
				file_leave(files, f);
		}
	kvfree(a);
	kfree(files);
}

int files_unshare(void)
{
	struct thread *t = current_thread();
	struct files *old = t->files, *copy;
	unsigned long flags;

	if (refcount_read(&old->users) == 1)
		return 0;
	copy = files_clone(old);
	if (IS_ERR(copy))
		return (int)PTR_ERR(copy);
	flags = spin_lock_irqsave(&t->lock);
	t->files = copy;
	spin_unlock_irqrestore(&t->lock, flags);
	files_put(old);
	return 0;
}

void files_close_on_exec(struct files *files)
{
	for (uint32_t w = 0; ; w++) {
		unsigned long bits;

		spin_lock(&files->lock);
		if (w >= files->array->size / 64) {
			spin_unlock(&files->lock);
			return;
		}
		bits = files->array->cloexec[w] & files->array->used[w];
		files->array->cloexec[w] = 0;
		spin_unlock(&files->lock);
		for (; bits; bits &= bits - 1)
			(void)!fd_close((int)(w * 64 + ctz64(bits)));
	}
}

/* Root, directory, umask. */

struct fs_context *fs_context_create(const struct path *root)
{
	struct fs_context *fs = kzalloc(sizeof(*fs), 0);

	if (!fs)
		return NULL;
	refcount_set(&fs->users, 1);
	spinlock_init(&fs->lock, FS_CONTEXT);
	fs->root = fs->cwd = *root;
	file_path_ref(root);
	file_path_ref(root);
	fs->umask = 022;
	return fs;
}

struct fs_context *fs_context_clone(struct fs_context *from)
{
	struct fs_context *fs = kmalloc(sizeof(*fs), 0);

	if (!fs)
		return ERR_PTR(-ENOMEM);
	refcount_set(&fs->users, 1);
	spinlock_init(&fs->lock, FS_CONTEXT);
	fs->seq = 0;
	spin_lock(&from->lock);
	fs->root = from->root;
	fs->cwd = from->cwd;
	fs->umask = from->umask;
	file_path_ref(&fs->root);
	file_path_ref(&fs->cwd);
	spin_unlock(&from->lock);
	return fs;
}

void fs_context_ref(struct fs_context *fs)
{
	refcount_inc(&fs->users);
}

void fs_context_put(struct fs_context *fs)
{
	if (!refcount_dec_and_test(&fs->users))
		return;
	file_path_put(&fs->root);
	file_path_put(&fs->cwd);
	kfree(fs);
}

void fs_context_set(struct fs_context *fs, struct path *which, const struct path *to)
{
	struct path old;

	file_path_ref(to);
	spin_lock(&fs->lock);
	__atomic_store_n(&fs->seq, fs->seq + 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	old = *which;
	*which = *to;
	__atomic_store_n(&fs->seq, fs->seq + 1, __ATOMIC_SEQ_CST);
	spin_unlock(&fs->lock);
	file_path_put(&old);
}
