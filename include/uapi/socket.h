/* SPDX-License-Identifier: MIT */
/* Sockets: families, types, messages, control messages, socket-level options. */
#pragma once

#include <uapi/fcntl.h>
#include <uapi/uio.h>

#define AF_UNSPEC	0
#define AF_UNIX		1
#define AF_LOCAL	1
#define AF_INET		2
#define AF_AX25		3
#define AF_IPX		4
#define AF_APPLETALK	5
#define AF_INET6	10
#define AF_KEY		15
#define AF_NETLINK	16
#define AF_ROUTE	AF_NETLINK
#define AF_PACKET	17
#define AF_RDS		21
#define AF_CAN		29
#define AF_TIPC		30
#define AF_BLUETOOTH	31
#define AF_ALG		38
#define AF_VSOCK	40
#define AF_KCM		41
#define AF_QIPCRTR	42
#define AF_SMC		43
#define AF_XDP		44
#define AF_MAX		46

#define SOCK_STREAM	1
#define SOCK_DGRAM	2
#define SOCK_RAW	3
#define SOCK_RDM	4
#define SOCK_SEQPACKET	5
#define SOCK_DCCP	6
#define SOCK_PACKET	10
#define SOCK_TYPE_MASK	0xf
#define SOCK_CLOEXEC	O_CLOEXEC
#define SOCK_NONBLOCK	O_NONBLOCK

#define SHUT_RD		0
#define SHUT_WR		1
#define SHUT_RDWR	2

#define SOMAXCONN	4096

struct sockaddr {
	uint16_t sa_family;
	char sa_data[14];
};
UAPI_SIZE(struct sockaddr, 16);

struct sockaddr_storage {
	uint16_t ss_family;
	char __data[126];
} __attribute__((aligned(8)));
UAPI_SIZE(struct sockaddr_storage, 128);

/* sendmsg, recvmsg: pointers are user addresses */
struct msghdr {
	uint64_t msg_name;
	int32_t msg_namelen;
	int32_t __pad0;
	uint64_t msg_iov;
	uint64_t msg_iovlen;
	uint64_t msg_control;
	uint64_t msg_controllen;
	uint32_t msg_flags;
	uint32_t __pad1;
};
UAPI_SIZE(struct msghdr, 56);

struct mmsghdr {
	struct msghdr msg_hdr;
	uint32_t msg_len;
	uint32_t __pad0;
};
UAPI_SIZE(struct mmsghdr, 64);

struct cmsghdr {
	uint64_t cmsg_len;		/* with this header */
	int32_t cmsg_level;
	int32_t cmsg_type;
};
UAPI_SIZE(struct cmsghdr, 16);

#define CMSG_ALIGN(len)	(((len) + sizeof(uint64_t) - 1) & ~(sizeof(uint64_t) - 1))
#define CMSG_SPACE(len)	(sizeof(struct cmsghdr) + CMSG_ALIGN(len))
#define CMSG_LEN(len)	(sizeof(struct cmsghdr) + (len))

#define SCM_RIGHTS	0x01
#define SCM_CREDENTIALS	0x02
#define SCM_SECURITY	0x03
#define SCM_MAX_FD	253

struct ucred {
	uint32_t pid;
	uint32_t uid;
	uint32_t gid;
};
UAPI_SIZE(struct ucred, 12);

struct linger {
	int32_t l_onoff;
	int32_t l_linger;
};
UAPI_SIZE(struct linger, 8);

#define MSG_OOB			0x1
#define MSG_PEEK		0x2
#define MSG_DONTROUTE		0x4
#define MSG_CTRUNC		0x8
#define MSG_PROXY		0x10
#define MSG_TRUNC		0x20
#define MSG_DONTWAIT		0x40
#define MSG_EOR			0x80
#define MSG_WAITALL		0x100
#define MSG_FIN			0x200
#define MSG_SYN			0x400
#define MSG_CONFIRM		0x800
#define MSG_RST			0x1000
#define MSG_ERRQUEUE		0x2000
#define MSG_NOSIGNAL		0x4000
#define MSG_MORE		0x8000
#define MSG_WAITFORONE		0x10000
#define MSG_BATCH		0x40000
#define MSG_ZEROCOPY		0x4000000
#define MSG_FASTOPEN		0x20000000
#define MSG_CMSG_CLOEXEC	0x40000000

#define SOL_SOCKET	1
#define SOL_IP		0
#define SOL_TCP		6
#define SOL_UDP		17
#define SOL_IPV6	41
#define SOL_RAW		255
#define SOL_PACKET	263
#define SOL_NETLINK	270

#define SO_DEBUG		1
#define SO_REUSEADDR		2
#define SO_TYPE			3
#define SO_ERROR		4
#define SO_DONTROUTE		5
#define SO_BROADCAST		6
#define SO_SNDBUF		7
#define SO_RCVBUF		8
#define SO_KEEPALIVE		9
#define SO_OOBINLINE		10
#define SO_NO_CHECK		11
#define SO_PRIORITY		12
#define SO_LINGER		13
#define SO_BSDCOMPAT		14
#define SO_REUSEPORT		15
#define SO_PASSCRED		16
#define SO_PEERCRED		17
#define SO_RCVLOWAT		18
#define SO_SNDLOWAT		19
#define SO_RCVTIMEO_OLD		20
#define SO_SNDTIMEO_OLD		21
#define SO_BINDTODEVICE		25
#define SO_ATTACH_FILTER	26
#define SO_DETACH_FILTER	27
#define SO_PEERNAME		28
#define SO_TIMESTAMP_OLD	29
#define SO_ACCEPTCONN		30
#define SO_PEERSEC		31
#define SO_SNDBUFFORCE		32
#define SO_RCVBUFFORCE		33
#define SO_PASSSEC		34
#define SO_TIMESTAMPNS_OLD	35
#define SO_MARK			36
#define SO_TIMESTAMPING_OLD	37
#define SO_PROTOCOL		38
#define SO_DOMAIN		39
#define SO_RXQ_OVFL		40
#define SO_PEEK_OFF		42
#define SO_NOFCS		43
#define SO_LOCK_FILTER		44
#define SO_SELECT_ERR_QUEUE	45
#define SO_BUSY_POLL		46
#define SO_MAX_PACING_RATE	47
#define SO_INCOMING_CPU		49
#define SO_ATTACH_BPF		50
#define SO_COOKIE		57
#define SO_PEERGROUPS		59
#define SO_ZEROCOPY		60
#define SO_TIMESTAMP_NEW	63
#define SO_TIMESTAMPNS_NEW	64
#define SO_TIMESTAMPING_NEW	65
#define SO_RCVTIMEO_NEW		66
#define SO_SNDTIMEO_NEW		67
#define SO_PEERPIDFD		77

#define SIOCGSTAMP_OLD	0x8906
#define SIOCGIFNAME	0x8910
#define SIOCGIFCONF	0x8912
#define SIOCGIFFLAGS	0x8913
#define SIOCSIFFLAGS	0x8914
#define SIOCGIFADDR	0x8915
#define SIOCSIFADDR	0x8916
#define SIOCGIFBRDADDR	0x8919
#define SIOCSIFBRDADDR	0x891a
#define SIOCGIFNETMASK	0x891b
#define SIOCSIFNETMASK	0x891c
#define SIOCGIFMETRIC	0x891d
#define SIOCGIFMTU	0x8921
#define SIOCSIFMTU	0x8922
#define SIOCGIFHWADDR	0x8927
#define SIOCGIFINDEX	0x8933
#define SIOCGIFTXQLEN	0x8942
#define SIOCETHTOOL	0x8946
#define SIOCADDRT	0x890B
#define SIOCDELRT	0x890C
#define SIOCINQ		0x541B
#define SIOCOUTQ	0x5411
