/* SPDX-License-Identifier: MIT */
/*
 * The end of the machine: ask every process to end, wait a little, kill the rest, write
 * out what is dirty, and call reboot(2).
 */
#include <errno.h>
#include <mntent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

#define GRACE_MS	2000
#define STEP_MS		20

const struct request shutdown_requests[] = {
	{ SIGTERM, RB_AUTOBOOT, "rebooting" },
	{ SIGINT, RB_AUTOBOOT, "rebooting" },
	{ SIGUSR1, RB_HALT_SYSTEM, "halting" },
	{ SIGUSR2, RB_POWER_OFF, "powering off" },
	{ SIGPWR, RB_POWER_OFF, "powering off" },
	{ 0, 0, NULL },
};

static const struct request *request_find(int signal)
{
	const struct request *r = shutdown_requests;

	while (r->signal && r->signal != signal)
		r++;
	return r;
}

/* Reaps until no process is left or the time is over. */
static void await_end(int limit_ms)
{
	for (int waited_ms = 0; waited_ms < limit_ms;) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0 && errno == ECHILD)
			return;
		if (pid > 0)
			continue;
		usleep(STEP_MS * 1000);
		waited_ms += STEP_MS;
	}
}

/* Adds @name to the *@nr names of @list; the list, moved perhaps. */
static char **name_add(char **list, unsigned int *nr, const char *name)
{
	char **longer = realloc(list, (*nr + 1) * sizeof(*list));

	if (!longer)
		return list;
	longer[*nr] = strdup(name);
	if (longer[*nr])
		(*nr)++;
	return longer;
}

/*
 * A file system that is left while it may be written needs its journal replayed at the next mount:
 * what can go is unmounted, the latest first, and the rest made read-only.  The names are gathered
 * before: /proc goes as well.
 */
static void leave_file_systems(void)
{
	FILE *f = setmntent("/proc/self/mounts", "r");
	char **names = NULL;
	unsigned int nr = 0;
	struct mntent *m;

	if (!f)
		return;
	while ((m = getmntent(f)))
		names = name_add(names, &nr, m->mnt_dir);
	endmntent(f);
	while (nr--)
		if (umount2(names[nr], UMOUNT_NOFOLLOW) &&
		    mount(NULL, names[nr], NULL, MS_REMOUNT | MS_RDONLY, NULL) && errno == EIO)
			say("%s: cannot be written out", names[nr]);
}

void shutdown_machine(int signal)
{
	const struct request *request = request_find(signal);

	say("%s", request->verb);
	reboot(RB_DISABLE_CAD);
	kill(-1, SIGTERM);
	kill(-1, SIGHUP);	/* an interactive shell ignores SIGTERM */
	kill(-1, SIGCONT);
	await_end(GRACE_MS);
	kill(-1, SIGKILL);
	await_end(GRACE_MS);
	sync();
	leave_file_systems();
	reboot(request->command);
	say("the kernel refused: %s", strerror(errno));
	for (;;)
		pause();
}
