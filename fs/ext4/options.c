/* SPDX-License-Identifier: MIT */
/*
 * Mount options, as Linux spells them.  What is safe to ignore is ignored in silence; what would
 * change what a program may rely on and is not there is refused.
 */
#include <lib/string.h>

#include "ext4.h"

struct option { const char *name; uint32_t set, clear; };

static const struct option options[] = {
	{ "errors=continue", OPT_ERRORS_GIVEN | OPT_ERRORS_CONTINUE, OPT_ERRORS_PANIC },
	{ "errors=remount-ro", OPT_ERRORS_GIVEN, OPT_ERRORS_CONTINUE | OPT_ERRORS_PANIC },
	{ "errors=panic", OPT_ERRORS_GIVEN | OPT_ERRORS_PANIC, OPT_ERRORS_CONTINUE },
	{ "barrier", 0, OPT_NO_BARRIER }, { "barrier=1", 0, OPT_NO_BARRIER },
	{ "barrier=0", OPT_NO_BARRIER, 0 }, { "nobarrier", OPT_NO_BARRIER, 0 },
	{ "noload", OPT_NO_LOAD, 0 }, { "norecovery", OPT_NO_LOAD, 0 },
	{ "acl", OPT_ACL, 0 }, { "noacl", 0, OPT_ACL },
	{ "user_xattr", OPT_USER_XATTR, 0 }, { "nouser_xattr", 0, OPT_USER_XATTR },
	{ "grpid", OPT_BSD_GROUPS, 0 }, { "bsdgroups", OPT_BSD_GROUPS, 0 },
	{ "nogrpid", 0, OPT_BSD_GROUPS }, { "sysvgroups", 0, OPT_BSD_GROUPS },
	{ "data=ordered", 0, 0 }, { "delalloc", 0, 0 }, { "nodelalloc", 0, 0 },
	{ "auto_da_alloc", 0, 0 }, { "noauto_da_alloc", 0, 0 }, { "discard", 0, 0 },
	{ "nodiscard", 0, 0 }, { "block_validity", 0, 0 }, { "noblock_validity", 0, 0 },
	{ "journal_checksum", 0, 0 }, { "nojournal_checksum", 0, 0 }, { "init_itable", 0, 0 },
	{ "noinit_itable", 0, 0 }, { "lazytime", 0, 0 }, { "nolazytime", 0, 0 },
	{ "i_version", 0, 0 }, { "minixdf", 0, 0 }, { "bsddf", 0, 0 }, { "quota", 0, 0 },
	{ "noquota", 0, 0 }, { "dioread_nolock", 0, 0 }, { "dioread_lock", 0, 0 },
	{ "nombcache", 0, 0 }, { "prefetch_block_bitmaps", 0, 0 }, { "orlov", 0, 0 },
	{ "nouid32", 0, 0 }, { "nobh", 0, 0 }, { "bh", 0, 0 }, { "nocheck", 0, 0 },
	{ "check=none", 0, 0 },
};

static bool parse_number(const char *s, uint32_t *n)
{
	uint64_t v = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		if (!char_is_digit(*s) || v > UINT32_MAX / 10)
			return false;
		v = v * 10 + (uint64_t)(*s - '0');
	}
	*n = (uint32_t)v;
	return true;
}

static int parse_one(struct ext4_mount *m, const char *word)
{
	uint32_t n;

	for (unsigned int i = 0; i < ARRAY_SIZE(options); i++) {
		if (str_eq(options[i].name, word)) {
			m->options = (m->options & ~options[i].clear) | options[i].set;
			return 0;
		}
	}
	if (!strncmp(word, "commit=", 7) && parse_number(word + 7, &n) && n <= 3600) {
		m->commit_interval_ms = (n ? n : 5) * 1000;
		return 0;
	}
	if ((!strncmp(word, "stripe=", 7) || !strncmp(word, "max_batch_time=", 15) ||
	     !strncmp(word, "min_batch_time=", 15) ||
	     !strncmp(word, "inode_readahead_blks=", 21)) &&
	    parse_number(strchr(word, '=') + 1, &n))
		return 0;
	return -EINVAL;
}

void ext4_default_options(struct ext4_mount *m)
{
	*m = (struct ext4_mount){
		.options = OPT_ACL | OPT_USER_XATTR,
		.commit_interval_ms = 5000,
		.incompat = INCOMPAT_KNOWN,
		.ro_compat = UINT32_MAX,
	};
}

int ext4_parse_options(struct ext4_mount *m, char *data)
{
	int err = 0;

	while (!err && data && *data) {
		char *next = strchr(data, ',');

		if (next)
			*next++ = '\0';
		err = *data ? parse_one(m, data) : 0;
		data = next;
	}
	return err;
}
