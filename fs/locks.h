/* SPDX-License-Identifier: MIT */
/* File locks to the rest of fs/. */
#ifndef FS_LOCKS_H
#define FS_LOCKS_H

struct seq_file;
void locks_show(struct seq_file *m);	/* /proc/locks */

#endif
