/* SPDX-License-Identifier: MIT */
/* Device majors that Linux programs and ps(1) know, and the minors of the memory devices. */
#pragma once

#define UNNAMED_MAJOR		0
#define MEM_MAJOR		1
#define RAMDISK_MAJOR		1
#define TTY_MAJOR		4
#define TTYAUX_MAJOR		5
#define LOOP_MAJOR		7
#define SCSI_DISK0_MAJOR	8
#define MD_MAJOR		9
#define MISC_MAJOR		10
#define INPUT_MAJOR		13
#define SOUND_MAJOR		14
#define FB_MAJOR		29
#define UNIX98_PTY_MASTER_MAJOR	128
#define UNIX98_PTY_SLAVE_MAJOR	136
#define UNIX98_PTY_MAJOR_COUNT	8
#define BLOCK_EXT_MAJOR		259

/* Fixed by Documentation/admin-guide/devices.txt, by no Linux header */
#define AMBA_SERIAL_MAJOR	204	/* ttyAMA0 is 204:64 */
#define AMBA_SERIAL_MINOR	64
#define VIRTIO_CONSOLE_MAJOR	229	/* hvc0 is 229:0 */
#define VIRTBLK_MAJOR		254

#define MEM_MINOR_MEM		1
#define MEM_MINOR_NULL		3
#define MEM_MINOR_ZERO		5
#define MEM_MINOR_FULL		7
#define MEM_MINOR_RANDOM	8
#define MEM_MINOR_URANDOM	9
#define MEM_MINOR_KMSG		11

#define TTY_MINOR_SERIAL	64	/* ttyS0 is 4:64 */
#define TTYAUX_MINOR_TTY	0
#define TTYAUX_MINOR_CONSOLE	1
#define TTYAUX_MINOR_PTMX	2
