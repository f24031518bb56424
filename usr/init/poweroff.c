/* SPDX-License-Identifier: MIT */
/*
 * poweroff, reboot, halt: one program, told apart by its name. It asks PID 1, which ends
 * the other processes first; with -f it goes to the kernel at once.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

static const struct {
	const char *name;
	int signal, command;
} verbs[] = {
	{ "poweroff", SIGUSR2, RB_POWER_OFF },
	{ "reboot", SIGTERM, RB_AUTOBOOT },
	{ "halt", SIGUSR1, RB_HALT_SYSTEM },
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int end_machine(int index, int force)
{
	if (force) {
		sync();
		reboot(verbs[index].command);
	} else if (kill(1, verbs[index].signal) == 0) {
		return 0;
	}
	fprintf(stderr, "%s: %s\n", verbs[index].name, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	const char *name = base_name(argc > 0 ? argv[0] : "poweroff");
	int force = argc == 2 && !strcmp(argv[1], "-f");

	if (argc > 1 + force) {
		fprintf(stderr, "usage: %s [-f]\n", name);
		return 2;
	}
	for (int i = 0; i < 3; i++) {
		if (!strcmp(name, verbs[i].name))
			return end_machine(i, force);
	}
	fprintf(stderr, "%s: call this program poweroff, reboot or halt\n", name);
	return 2;
}
