/* SPDX-License-Identifier: MIT */
/* Virtual-terminal requests that login programs, editors and keyboard tools try on a tty. */
#pragma once

#include <uapi/types.h>

#define VT_OPENQRY	0x5600
#define VT_GETMODE	0x5601
#define VT_SETMODE	0x5602
#define VT_GETSTATE	0x5603
#define VT_SENDSIG	0x5604
#define VT_RELDISP	0x5605
#define VT_ACTIVATE	0x5606
#define VT_WAITACTIVE	0x5607
#define VT_DISALLOCATE	0x5608

struct vt_mode {
	int8_t mode;
	int8_t waitv;
	int16_t relsig;
	int16_t acqsig;
	int16_t frsig;
};
UAPI_SIZE(struct vt_mode, 8);

struct vt_stat {
	uint16_t v_active;
	uint16_t v_signal;
	uint16_t v_state;
};
UAPI_SIZE(struct vt_stat, 6);

#define VT_AUTO		0x00
#define VT_PROCESS	0x01
