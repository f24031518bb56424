/* SPDX-License-Identifier: MIT */
/*
 * The state of one path walk; see fs/walk.c.
 */
#ifndef FS_WALK_H
#define FS_WALK_H

#include <fs/namei.h>

#define WALK_LINKS_MAX	40

struct walk {
	struct path path;		/* where we are; counted unless rcu */
	struct inode *inode;		/* of path.dentry */
	uint32_t seq;			/* of path.dentry when we came (rcu) */
	uint32_t mount_seq;		/* of the mount table at the start (rcu) */
	bool rcu;			/* inside an RCU section, holding nothing */
	bool root_counted;
	bool trailing_slash;		/* the last component was followed by one */
	uint8_t kind;			/* enum last_kind of the last component */
	unsigned int flags;		/* LOOKUP_* */
	unsigned int links;		/* symbolic links followed */
	struct path root;		/* where "/" and ".." end; counted when root_counted */
	const char *text;		/* what is left to walk */
	char *buffer;			/* owned: text after a link was followed */
	struct name last;		/* with LOOKUP_PARENT: not walked */
};

/* Begin at @dirfd or the root, as @text says. In an RCU section on return 0 if @rcu. */
__must_check int walk_start(struct walk *w, int dirfd, const char *text, unsigned int flags,
			    bool rcu);
/*
 * Walk all of it, or with LOOKUP_PARENT up to the last component.  -ECHILD: start anew without rcu.
 */
__must_check int walk_run(struct walk *w);
/* Leave RCU mode with references to path (and root).  -ECHILD. */
__must_check int walk_unlazy(struct walk *w);
/* End with a counted path in @out.  -ECHILD as above. */
__must_check int walk_finish(struct walk *w, struct path *out);
/* End, giving everything back. */
void walk_abort(struct walk *w);
/*
 * w->path is a symbolic link: continue with its text before @rest (relative to @parent, whose
 * reference moves in).
 */
__must_check int walk_follow_link(struct walk *w, struct dentry *link, const char *rest);
/* The cached last component in RCU mode; NULL: not cached or not certain. */
struct dentry *walk_peek_last(struct walk *w, uint32_t *seq);

#endif
