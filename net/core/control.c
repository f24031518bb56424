/* SPDX-License-Identifier: MIT */
/*
 * Control messages: reading a sender's, writing a receiver's.
 */
#include <kernel/clock.h>
#include <lib/minmax.h>
#include <lib/string.h>

#include "core.h"

int socket_next_control(const struct socket_msg *m, size_t *at, struct cmsghdr *header,
			const void **data)
{
	size_t left = m->control_len - min(*at, m->control_len);
	const char *p = (const char *)m->control + *at;

	if (left < sizeof(*header))
		return 0;
	memcpy(header, p, sizeof(*header));
	if (header->cmsg_len < sizeof(*header) || header->cmsg_len > left)
		return -EINVAL;
	*data = p + sizeof(*header);
	*at += CMSG_ALIGN(header->cmsg_len);
	return 1;
}

/* The space of one with @len bytes of data is used, or all that there is. */
static void take_space(struct socket_msg *m, size_t len)
{
	size_t n = min((size_t)CMSG_SPACE(len), m->control_len);

	m->control_out = uaddr_add(m->control_out, n);
	m->control_len -= n;
}

void socket_put_control(struct socket_msg *m, int level, int type, const void *data, size_t len)
{
	struct cmsghdr h = { .cmsg_len = CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type };

	if (m->control_len < sizeof(h)) {
		m->result |= MSG_CTRUNC;
		return;
	}
	if (m->control_len < h.cmsg_len) {
		m->result |= MSG_CTRUNC;
		h.cmsg_len = m->control_len;
	}
	/* As on Linux a bad address is not told: the message was taken already. */
	if (copy_to_user(m->control_out, &h, sizeof(h)) ||
	    copy_to_user(uaddr_add(m->control_out, sizeof(h)), data,
			 (size_t)h.cmsg_len - sizeof(h)))
		return;
	take_space(m, len);
}

/* One descriptor for @f, its number at @user; false: no descriptor, or a bad address. */
static bool put_file(struct file *f, uaddr_t user, unsigned int flags)
{
	int fd = fd_reserve(0, flags);

	if (fd < 0)
		return false;
	if (put_user((uint32_t)fd, user)) {
		fd_unreserve(fd);
		return false;
	}
	file_ref(f);
	fd_install(fd, f);
	return true;
}

void socket_put_files(struct socket_msg *m, struct file *const *files, uint32_t nr)
{
	struct cmsghdr h = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	unsigned int flags = m->flags & MSG_CMSG_CLOEXEC ? O_CLOEXEC : 0;
	uaddr_t at = uaddr_add(m->control_out, sizeof(h));
	uint32_t room, i = 0;

	room = m->control_len > sizeof(h) ?
	       (uint32_t)min((m->control_len - sizeof(h)) / 4, (size_t)nr) : 0;
	while (i < room && put_file(files[i], uaddr_add(at, i * 4), flags))
		i++;
	if (i < nr)
		m->result |= MSG_CTRUNC;
	if (!i)
		return;
	h.cmsg_len = CMSG_LEN(i * 4);
	if (!copy_to_user(m->control_out, &h, sizeof(h)))
		take_space(m, i * 4);
}

void socket_put_timestamp(struct socket *s, struct socket_msg *m, int64_t ns)
{
	bool new = socket_has(s, SOCKET_TIMESTAMP_NEW);
	struct timespec ts = ns_to_timespec(ns);
	struct timeval tv = { ts.tv_sec, ts.tv_nsec / 1000 };

	if (socket_has(s, SOCKET_TIMESTAMP_NS))
		socket_put_control(m, SOL_SOCKET,
				   new ? SO_TIMESTAMPNS_NEW : SO_TIMESTAMPNS_OLD, &ts, sizeof(ts));
	else if (socket_has(s, SOCKET_TIMESTAMP))
		socket_put_control(m, SOL_SOCKET, new ? SO_TIMESTAMP_NEW : SO_TIMESTAMP_OLD, &tv,
				   sizeof(tv));
}
