/* SPDX-License-Identifier: MIT */
/* /proc/sys/net/core: limits of sockets. */
#include <fs/procfs.h>
#include <kernel/init.h>

#include "core.h"

static int core_proc_init(void)
{
	static const struct proc_value values[] = {
		{ "sys/net/core/somaxconn", PROC_INT, &socket_somaxconn, 0, INT32_MAX, 0644 },
		{ "sys/net/core/wmem_default", PROC_INT, &socket_wmem_default, 4608, INT32_MAX,
		  0644 },
		{ "sys/net/core/wmem_max", PROC_INT, &socket_wmem_max, 4608, INT32_MAX, 0644 },
		{ "sys/net/core/rmem_default", PROC_INT, &socket_rmem_default, 2304, INT32_MAX,
		  0644 },
		{ "sys/net/core/rmem_max", PROC_INT, &socket_rmem_max, 2304, INT32_MAX, 0644 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		int err = proc_register_value(&values[i]);

		if (err)
			return err;
	}
	return 0;
}
INITCALL(INIT_LATE, core_proc_init);
