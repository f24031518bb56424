/* SPDX-License-Identifier: MIT */
/*
 * Capability kinds and the rights of each: the kernel's core, the system-call table's capability
 * column, the policy parser, the tools and the documentation all read them here.
 *
 * A kind guards eight operations at most.  Bits and the order of kinds are part of the ABI: new
 * ones go to the end.
 */
#ifndef SECURITY_CAP_KINDS_H
#define SECURITY_CAP_KINDS_H

/* X(id, word, scope), scope: NONE, RANGE, TREE, NET, NAME (enum cap_scope_type) */
#define CAP_KIND_LIST(X) \
	X(FS, "fs", TREE) /* files below a directory */ \
	X(NET, "net", NET) /* protocol, ports, addresses */ \
	X(NETADM, "netadm", RANGE) /* interfaces by index */ \
	X(DEV, "dev", RANGE) /* device numbers */ \
	X(PROC, "proc", TREE) /* processes below one, by creation */ \
	X(SPAWN, "spawn", NONE) \
	X(MEM, "mem", NONE) \
	X(IPC, "ipc", NAME) \
	X(TIME, "time", RANGE) /* clocks by number */ \
	X(ID, "id", RANGE) /* user and group ids */ \
	X(AUTH, "auth", NAME) /* accounts */ \
	X(POLICY, "policy", NAME) /* policies by name */ \
	X(AUDIT, "audit", NONE) \
	X(POWER, "power", NONE) \
	X(LOG, "log", NONE) \
	X(KDEBUG, "kdebug", NONE) /* debug kernels alone */

/* X(kind, id, bit, word) */
#define CAP_RIGHTS_FS(X) \
	X(FS, READ, 0, "read") \
	X(FS, WRITE, 1, "write") \
	X(FS, CREATE, 2, "create") \
	X(FS, DELETE, 3, "delete") \
	X(FS, EXEC, 4, "exec") \
	X(FS, SETATTR, 5, "setattr") \
	X(FS, MOUNT, 6, "mount") \
	X(FS, LOCK, 7, "lock")
#define CAP_RIGHTS_NET(X) \
	X(NET, BIND, 0, "bind") \
	X(NET, LISTEN, 1, "listen") \
	X(NET, CONNECT, 2, "connect") \
	X(NET, RAW_ICMP, 3, "raw-icmp") \
	X(NET, RAW_IP, 4, "raw-ip") \
	X(NET, ACCEPT, 5, "accept")
#define CAP_RIGHTS_NETADM(X) \
	X(NETADM, ADDR, 0, "addr") \
	X(NETADM, ROUTE, 1, "route") \
	X(NETADM, FILTER, 2, "filter") \
	X(NETADM, IFUP, 3, "ifup") \
	X(NETADM, CAPTURE, 4, "capture")
#define CAP_RIGHTS_DEV(X) \
	X(DEV, READ, 0, "read") \
	X(DEV, WRITE, 1, "write") \
	X(DEV, IOCTL, 2, "ioctl") \
	X(DEV, MAP, 3, "map")
#define CAP_RIGHTS_PROC(X) \
	X(PROC, SEE, 0, "see") \
	X(PROC, SIGNAL, 1, "signal") \
	X(PROC, TRACE, 2, "trace") \
	X(PROC, LIMIT, 3, "limit") \
	X(PROC, SCHED, 4, "sched")
#define CAP_RIGHTS_SPAWN(X) \
	X(SPAWN, FORK, 0, "fork") \
	X(SPAWN, THREAD, 1, "thread") \
	X(SPAWN, EXEC, 2, "exec")
#define CAP_RIGHTS_MEM(X) \
	X(MEM, LOCK, 0, "lock") \
	X(MEM, EXEC_MAP, 1, "exec-map") \
	X(MEM, HUGEPAGE, 2, "hugepage") \
	X(MEM, WX, 3, "wx")
#define CAP_RIGHTS_IPC(X) \
	X(IPC, UNIX, 0, "unix") \
	X(IPC, SHM, 1, "shm") \
	X(IPC, MQ, 2, "mq") \
	X(IPC, PASS_CAPS, 3, "pass-caps")
#define CAP_RIGHTS_TIME(X) \
	X(TIME, SET, 0, "set") \
	X(TIME, ADJ, 1, "adj") \
	X(TIME, WAKE, 2, "wake")
#define CAP_RIGHTS_ID(X) \
	X(ID, SETUID, 0, "setuid") \
	X(ID, SETGID, 1, "setgid")
#define CAP_RIGHTS_AUTH(X) \
	X(AUTH, VERIFY, 0, "verify") \
	X(AUTH, MINT_SESSION, 1, "mint-session")
#define CAP_RIGHTS_POLICY(X) \
	X(POLICY, READ, 0, "read") \
	X(POLICY, LOAD, 1, "load") \
	X(POLICY, PERMISSIVE, 2, "permissive")
#define CAP_RIGHTS_AUDIT(X) \
	X(AUDIT, READ, 0, "read") \
	X(AUDIT, WRITE, 1, "write") \
	X(AUDIT, CTL, 2, "ctl")
#define CAP_RIGHTS_POWER(X) \
	X(POWER, REBOOT, 0, "reboot") \
	X(POWER, HALT, 1, "halt") \
	X(POWER, SETHOSTNAME, 2, "sethostname")
#define CAP_RIGHTS_LOG(X) \
	X(LOG, READ, 0, "read") \
	X(LOG, CLEAR, 1, "clear")
#define CAP_RIGHTS_KDEBUG(X) \
	X(KDEBUG, TRACE, 0, "trace") \
	X(KDEBUG, FAULT_INJECT, 1, "fault-inject")

#endif
