/* SPDX-License-Identifier: MIT */
/* Restartable sequences: the area that a thread registers. */
#pragma once

#include <uapi/types.h>

#define RSEQ_CPU_ID_UNINITIALIZED	(-1)
#define RSEQ_CPU_ID_REGISTRATION_FAILED	(-2)
#define RSEQ_FLAG_UNREGISTER		(1 << 0)

struct rseq_cs {
	uint32_t version;
	uint32_t flags;
	uint64_t start_ip;
	uint64_t post_commit_offset;
	uint64_t abort_ip;
} __attribute__((aligned(32)));
UAPI_SIZE(struct rseq_cs, 32);

struct rseq {
	uint32_t cpu_id_start;
	uint32_t cpu_id;
	uint64_t rseq_cs;
	uint32_t flags;
	uint32_t __pad[3];
} __attribute__((aligned(32)));
UAPI_SIZE(struct rseq, 32);
