/* SPDX-License-Identifier: MIT */
/*
 * The host's side of file systems: a disk in memory that records what it is given, and the cache,
 * inode and page layers as plain single-threaded code.  See README.md.
 */
#ifndef TESTS_STORAGE_SHIM_H
#define TESTS_STORAGE_SHIM_H

#include <drivers/block.h>
#include <fs/bdev.h>
#include <fs/vfs.h>
#include <lib/assert.h>

/* libc.c: what is needed of the C library, whose headers do not go with the kernel's. */
void *host_alloc(size_t size);		/* zeroed; never NULL */
void host_free(void *p);
void host_print(const char *fmt, ...) __printf(1, 2);
void host_flush(void);
void host_exit(int status) __noreturn;
void *host_load(const char *path, uint64_t *size);
int host_store(const char *path, const void *data, uint64_t size);
/* Run a shell command quietly: its exit status, output in the file @log. */
int host_run(const char *command);
double host_seconds(void);
void host_format(char *out, size_t size, const char *fmt, ...) __printf(3, 4);
uint64_t host_env(const char *name, uint64_t otherwise);
const char *host_tmpdir(void);

/* One thing that was done to a disk. */
struct event {
	uint64_t offset;		/* bytes */
	uint32_t len;			/* 0: a flush */
	bool fua;
	uint8_t *data;
};

struct disk_image {
	uint8_t *data;
	uint64_t size;
	struct block_device dev;
	bool records;			/* writes are kept as events, too */
	struct event *events;
	uint32_t nr_events, max_events;
	bool is_dead;			/* the power is off: nothing arrives any more */
	uint64_t requests;		/* reads, writes and flushes so far */
	uint64_t fail_at;		/* this request (from 1 on) fails; 0: none */
	uint64_t fail_every;		/* and each such further one; 0: only that */
};

struct disk_image *image_create(const void *data, uint64_t size);
void image_free(struct disk_image *d);
void image_record(struct disk_image *d);	/* from now on, from scratch */
/*
 * What a power cut before event @upto may leave of @base: all that was flushed, and of the rest
 * what @seed picks, in pieces of sectors; seed 0: all of it; seed 1: nothing of it.
 */
void image_cut(const struct disk_image *d, const void *base, uint32_t upto, uint64_t seed,
	       void *out);

/* A mounted file system. */
struct mounted {
	struct super_block sb;
	struct disk_image *disk;
	struct inode *root;
};
struct mounted *fs_mount(struct disk_image *d, const char *options, int *err);
/* Write all, then unmount; 0 or the first error. */
int fs_unmount(struct mounted *m);
/* The power goes: what is in memory is lost. */
void fs_power_off(struct mounted *m);
int fs_sync(struct mounted *m);
void fs_drop_caches(struct mounted *m);

/* Operations by path ("a/b"), as the VFS would call them; 0 or -errno, or bytes. */
struct inode *fs_lookup(struct mounted *m, const char *path);
int fs_create(struct mounted *m, const char *path, uint32_t mode);
int fs_mkdir(struct mounted *m, const char *path);
int fs_symlink(struct mounted *m, const char *target, const char *path);
int fs_link(struct mounted *m, const char *from, const char *to);
int fs_unlink(struct mounted *m, const char *path);
int fs_rmdir(struct mounted *m, const char *path);
int fs_rename(struct mounted *m, const char *from, const char *to);
int fs_truncate(struct mounted *m, const char *path, uint64_t size);
int64_t fs_write(struct mounted *m, const char *path, uint64_t pos, const void *data, uint64_t len);
int64_t fs_read(struct mounted *m, const char *path, uint64_t pos, void *data, uint64_t len);
int fs_fsync(struct mounted *m, const char *path);
int fs_fallocate(struct mounted *m, const char *path, int mode, uint64_t pos, uint64_t len);
int fs_setxattr(struct mounted *m, const char *path, const char *name, const void *v, size_t n);
int64_t fs_getxattr(struct mounted *m, const char *path, const char *name, void *v, size_t n);
int64_t fs_size(struct mounted *m, const char *path);
/* Walk all that can be reached: names, attributes, data; the number of inodes, or -errno. */
int64_t fs_walk(struct mounted *m);
struct inode *fs_orphan(struct mounted *m, const char *path);	/* open, for fs_unlink */

uint64_t next_random(uint64_t *state);

extern uint64_t host_clock;		/* what clock_ns() says; advances by itself */
extern bool host_is_quiet;		/* do not print what the kernel logs */
extern uint64_t host_alloc_fail_at;	/* this allocation fails; 0: none */

#endif
