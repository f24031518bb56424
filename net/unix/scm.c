/* SPDX-License-Identifier: MIT */
/*
 * What goes along with a message: open files and credentials, out of a sender's control messages
 * and into a receiver's.
 */
#include <kernel/process.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "unix.h"

#define OVERFLOW_ID	65534u		/* "nobody": an id that is not known */

const struct ucred unix_no_creds = { 0, OVERFLOW_ID, OVERFLOW_ID };

static struct unix_rights *rights_alloc(uint32_t max)
{
	struct unix_rights *r = kmalloc(sizeof(*r) + max * sizeof(struct file *), 0);

	if (r)
		*r = (struct unix_rights){ .nr = 0 };
	return r;
}

struct unix_rights *unix_rights_dup(const struct unix_rights *from)
{
	struct unix_rights *r = rights_alloc(from->nr);

	if (!r)
		return NULL;
	for (uint32_t i = 0; i < from->nr; i++) {
		file_ref(from->files[i]);
		r->files[i] = from->files[i];
	}
	r->nr = from->nr;
	return r;
}

static int add_file(struct unix_rights *r, int fd)
{
	struct fd_ref ref = fd_get_raw(fd);

	if (!ref.file)
		return -EBADF;
	file_ref(ref.file);
	fd_put(ref);
	r->files[r->nr++] = ref.file;
	return 0;
}

/* SCM_RIGHTS with @count descriptors at @data; one send may have several. */
static int parse_rights(const struct socket_msg *m, struct unix_scm *scm, const void *data,
			size_t count)
{
	int err = 0, fd;

	if (!count)
		return 0;
	if (!scm->rights)
		scm->rights = rights_alloc((uint32_t)min(m->control_len / sizeof(fd),
							 (size_t)SCM_MAX_FD));
	if (!scm->rights)
		return -ENOMEM;
	if (count > SCM_MAX_FD - scm->rights->nr)
		return -EINVAL;
	for (size_t i = 0; i < count && !err; i++) {
		memcpy(&fd, (const char *)data + i * sizeof(fd), sizeof(fd));
		err = add_file(scm->rights, fd);
	}
	return err;
}

/* The one place that knows who may claim to be somebody else; becomes capabilities ID and PROC. */
static bool may_impersonate(const struct cred *c)
{
	return c->euid == 0;
}

static int check_creds(const struct ucred *u)
{
	const struct cred *c = current_cred();
	struct pid *pid;

	if (u->uid == UINT32_MAX || u->gid == UINT32_MAX)
		return -EINVAL;
	if (!may_impersonate(c) &&
	    ((int32_t)u->pid != current_process()->pid->nr ||
	     (u->uid != c->uid && u->uid != c->euid && u->uid != c->suid) ||
	     (u->gid != c->gid && u->gid != c->egid && u->gid != c->sgid)))
		return -EPERM;
	if ((int32_t)u->pid == current_process()->pid->nr)
		return 0;
	pid = pid_get((int)u->pid);
	if (!pid)
		return -ESRCH;
	pid_put(pid);
	return 0;
}

static int parse_one(const struct socket_msg *m, struct unix_scm *scm, const struct cmsghdr *h,
		     const void *data)
{
	size_t len = h->cmsg_len - sizeof(*h);

	if (h->cmsg_level != SOL_SOCKET)
		return 0;
	switch (h->cmsg_type) {
	case SCM_RIGHTS:
		return parse_rights(m, scm, data, len / sizeof(int));
	case SCM_CREDENTIALS:
		if (len != sizeof(scm->creds))
			return -EINVAL;
		memcpy(&scm->creds, data, sizeof(scm->creds));
		scm->has_creds = true;
		return check_creds(&scm->creds);
	default:
		return -EINVAL;
	}
}

int unix_scm_parse(const struct socket_msg *m, struct unix_scm *scm)
{
	struct cmsghdr h;
	const void *data;
	size_t at = 0;
	int err;

	while ((err = socket_next_control(m, &at, &h, &data)) > 0) {
		err = parse_one(m, scm, &h, data);
		if (err)
			break;
	}
	if (!err && scm->rights)
		err = unix_rights_depart(scm->rights);
	if (err && scm->rights) {
		unix_rights_put(scm->rights);
		scm->rights = NULL;
	}
	return err;
}

void unix_scm_receive(struct unix_socket *u, struct socket_msg *m, const struct ucred *creds,
		      struct unix_rights *rights)
{
	if (socket_has(&u->sk, SOCKET_PASSCRED))
		socket_put_control(m, SOL_SOCKET, SCM_CREDENTIALS, creds, sizeof(*creds));
	if (!rights)
		return;
	if (m->flags & MSG_PEEK)
		unix_rights_peek_barrier(rights);
	else
		unix_rights_arrive(rights);		/* U6 */
	socket_put_files(m, rights->files, rights->nr);
	unix_rights_put(rights);
}
