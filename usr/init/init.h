/* SPDX-License-Identifier: MIT */
/*
 * What the parts of PID 1 share.
 *
 * Words of the kernel's command line that it knows:
 *   vm.agent            run /sbin/vmagent as the only child; it ends the machine itself
 *   aegis.init=PROGRAM  run PROGRAM instead of the shell (no arguments)
 * Signals: SIGTERM reboots, SIGUSR1 halts, SIGUSR2 and SIGPWR power off, SIGINT
 * (Ctrl-Alt-Del) reboots.
 */
#ifndef USR_INIT_INIT_H
#define USR_INIT_INIT_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

/* The child on the console. */
struct child_spec {
	char path[PATH_MAX];
	char *argv[3];
	bool is_once;		/* its end is the machine's end */
	bool is_session;	/* leads a session with the console as its terminal */
};

/* A signal that asks for the end of the machine. */
struct request {
	int signal;		/* 0 ends the table */
	int command;		/* for reboot(2) */
	const char *verb;
};

extern const struct request shutdown_requests[];

/* Writes one line to the console. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

time_t monotonic_s(void);

/* Mounts /proc, /sys, /dev and the rest; says what fails and goes on. */
void mounts_make(void);

/* Gives this process /dev/console as its three standard descriptors. */
void console_open(void);

void hostname_set(void);

/* Reads the command line and fills in what to run. */
void child_choose(struct child_spec *spec);

/* Starts it on the console. Returns its pid or a negative error number. */
pid_t console_spawn(const struct child_spec *spec);

/* Ends every process and then the machine. Does not return, whatever happens. */
void shutdown_machine(int signal) __attribute__((noreturn));

#endif
