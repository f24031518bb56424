/* SPDX-License-Identifier: MIT */
/* What the agent does before and after its command: machine set-up, the request, power-off. */
#ifndef VMAGENT_SETUP_H
#define VMAGENT_SETUP_H

/* What scripts/vm asks for, read from /etc/vm (put there by its initrd overlay). */
struct request {
	char **argv;		/* the command and its arguments */
	char **envp;		/* its whole environment */
	char *cwd;		/* its working directory */
};

/* As process 1: mounts, console descriptors, loopback interface. */
void setup_machine(void);

/* Loads the modules listed in /etc/vm/modules, in order (Linux only; a missing list is fine). */
void setup_modules(void);

/* Reads the request; 0 or -errno. The strings live as long as the process. */
int setup_request(struct request *req);

/* Makes the line 8-bit clean: no echo, no signals, no translation. */
void setup_line(int tty);

/* Turns the machine off; does not return. */
void power_off(void) __attribute__((noreturn));

#endif
