/* SPDX-License-Identifier: MIT */
/*
 * The console and the one child on it. The shell gets its own session with the console
 * as its controlling terminal, so that job control and Ctrl-C work. The agent of
 * scripts/vm opens what it needs itself and stays in a plain session.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "init.h"

#define SHELL	"/bin/sh"
#define AGENT	"/sbin/vmagent"

static char *const child_environment[] = {
	"HOME=/root",
	"PATH=/bin:/sbin:/usr/bin:/usr/sbin",
	"SHELL=" SHELL,
	"USER=root",
	"LOGNAME=root",
	"TERM=vt100",
	NULL,
};

void console_open(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY);

	if (fd < 0)
		fd = open("/dev/null", O_RDWR);
	if (fd < 0)
		return;
	for (int target = 0; target <= 2; target++) {
		if (fd != target)
			dup2(fd, target);
	}
	if (fd > 2)
		close(fd);
}

/*
 * /dev/console cannot be a controlling terminal on Linux: the terminal behind it, named
 * last in /sys, can. Where that is not to be found the console itself is tried.
 */
static void terminal_path(char *path, size_t size)
{
	char names[256];
	int fd = open("/sys/class/tty/console/active", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, names, sizeof(names) - 1);
	char *last;

	if (fd >= 0)
		close(fd);
	snprintf(path, size, "/dev/console");
	if (n <= 0)
		return;
	names[n] = '\0';
	names[strcspn(names, "\n")] = '\0';
	last = strrchr(names, ' ');
	last = last ? last + 1 : names;
	if (*last)
		snprintf(path, size, "/dev/%s", last);
}

static void take_terminal(void)
{
	char path[PATH_MAX];
	int fd;

	terminal_path(path, sizeof(path));
	fd = open(path, O_RDWR | O_NOCTTY);
	if (fd < 0)
		fd = open("/dev/console", O_RDWR | O_NOCTTY);
	if (fd < 0)
		return;
	if (ioctl(fd, TIOCSCTTY, 1) < 0)
		say("%s is no controlling terminal: %s", path, strerror(errno));
	for (int target = 0; target <= 2; target++)
		dup2(fd, target);
	if (fd > 2)
		close(fd);
}

static void __attribute__((noreturn)) run_child(const struct child_spec *spec)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (spec->is_session)
		take_terminal();
	if (chdir("/root") < 0)
		(void)!chdir("/");
	execve(spec->path, spec->argv, child_environment);
	say("cannot run %s: %s", spec->path, strerror(errno));
	_exit(127);
}

pid_t console_spawn(const struct child_spec *spec)
{
	pid_t pid = fork();

	if (pid == 0)
		run_child(spec);
	return pid < 0 ? -errno : pid;
}

/* The word of the command line that starts so (and is that word, without a '='), or NULL. */
static const char *find_word(char *line, const char *word)
{
	size_t length = strlen(word);
	char *save = NULL;

	for (char *p = strtok_r(line, " \n", &save); p; p = strtok_r(NULL, " \n", &save)) {
		if (word[length - 1] == '=' ? !strncmp(p, word, length) : !strcmp(p, word))
			return p + length;
	}
	return NULL;
}

static const char *command_line_find(char *copy, size_t size, const char *word)
{
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, copy, size - 1);

	if (fd >= 0)
		close(fd);
	copy[n > 0 ? n : 0] = '\0';
	return find_word(copy, word);
}

void child_choose(struct child_spec *spec)
{
	static char line[4096];
	const char *program;

	*spec = (struct child_spec){ .is_session = true };
	if (command_line_find(line, sizeof(line), "vm.agent")) {
		snprintf(spec->path, sizeof(spec->path), AGENT);
		spec->argv[0] = AGENT;
		spec->is_session = false;
		spec->is_once = true;
		return;
	}
	program = command_line_find(line, sizeof(line), "aegis.init=");
	if (program && *program == '/') {
		snprintf(spec->path, sizeof(spec->path), "%s", program);
		spec->argv[0] = spec->path;
		return;
	}
	if (program)
		say("aegis.init=%s is no absolute path: starting " SHELL, program);
	snprintf(spec->path, sizeof(spec->path), SHELL);
	spec->argv[0] = "-sh";	/* a login shell: reads /etc/profile */
}
