/* SPDX-License-Identifier: MIT */
/* /proc/net/unix, as ss and lsof read it, and /proc/sys/net/unix. */
#include <fs/procfs.h>
#include <kernel/init.h>

#include "unix.h"

enum { SS_UNCONNECTED = 1, SS_CONNECTING = 2, SS_CONNECTED = 3 };
#define SO_ACCEPTCON	(1u << 16)

static void show_name(struct seq_file *m, const struct unix_addr *a)
{
	size_t len = a->len - offsetof(struct sockaddr_un, sun_path);

	if (a->name.sun_path[0])
		len--;			/* the NUL of a path */
	seq_putc(m, ' ');
	for (size_t i = 0; i < len; i++)
		seq_putc(m, a->name.sun_path[i] ? a->name.sun_path[i] : '@');
}

static void show_socket(struct seq_file *m, const struct unix_socket *u)
{
	const struct unix_addr *a = smp_load_acquire(&u->addr);
	bool has_file = READ_ONCE(u->sk.ino);
	uint32_t state = READ_ONCE(u->state);

	/* The first column is an address on Linux, shown as 0 to those without privilege. */
	seq_printf(m, "%016x: %08X %08X %08X %04X %02X %5llu", 0,
		   (unsigned int)refcount_read(&u->sk.refs), 0,
		   state == UNIX_LISTENING ? SO_ACCEPTCON : 0, u->sk.type,
		   state != UNIX_CONNECTED ? SS_UNCONNECTED : has_file ? SS_CONNECTED :
		   SS_CONNECTING, (unsigned long long)READ_ONCE(u->sk.ino));
	if (a)
		show_name(m, a);
	seq_putc(m, '\n');
}

static int show(struct seq_file *m)
{
	seq_puts(m, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	for (struct unix_socket *u = unix_next(NULL); u; u = unix_next(u))
		show_socket(m, u);
	return 0;
}

static int unix_proc_init(void)
{
	static const struct proc_entry entry = { .name = "net/unix", .show = show };
	static const struct proc_value qlen = {
		"sys/net/unix/max_dgram_qlen", PROC_INT, &unix_max_dgram_qlen, 0, INT32_MAX, 0644,
	};
	int err = proc_register(&entry);

	return err ? err : proc_register_value(&qlen);
}
INITCALL(INIT_LATE, unix_proc_init);
