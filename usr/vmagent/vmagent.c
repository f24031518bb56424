/* SPDX-License-Identifier: MIT */
/*
 * vmagent - the guest's half of `scripts/vm -- CMD`.
 *
 * Runs one command and carries its standard streams and exit status over the
 * serial console in frames (frame.h, README.md), then turns the machine off.
 * Works as process 1 (`rdinit=/etc/vm/agent`) or started by init.
 *
 * One poll() loop over: the line, the command's stdout and stderr, its stdin
 * while bytes wait for it, /dev/kmsg, and a pipe that the SIGCHLD handler writes.
 * Output to the line blocks: that is the flow control of the guest's side. Input
 * never overruns the tty because the host sends only what it has credit for.
 */
#define _GNU_SOURCE
#include "frame.h"
#include "setup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define SYSLOG_CONSOLE_LEVEL	8	/* klogctl: only messages below this level are printed */

struct agent {
	int line;			/* the serial console, raw */
	int kmsg;			/* /dev/kmsg, or -1 */
	int in, out, err;		/* our ends of the command's streams, -1 when closed */
	pid_t child;
	int status;			/* wait status, valid once done */
	int done;			/* the command has ended */
	int started;			/* the host said go */
	int eof;			/* the host's input has ended */
	size_t waiting;			/* bytes in pending[] */
	uint8_t pending[FRAME_WINDOW];	/* input the command has not taken yet */
	struct frame_parser parser;
	struct request req;
};

static struct agent agent = { .kmsg = -1, .in = -1, .out = -1, .err = -1 };
static int wake_pipe[2];

static void on_child(int sig)
{
	int saved = errno;

	(void)sig;
	(void)!write(wake_pipe[1], "", 1);
	errno = saved;
}

static void __attribute__((noreturn)) fail(const char *what, int err)
{
	char text[256];
	int n = snprintf(text, sizeof(text), "%s: %s", what, strerror(err));

	(void)!frame_send(agent.line, FRAME_FAIL, text, (size_t)n);
	tcdrain(agent.line);
	power_off();
}

static void send_frame(uint8_t type, const void *payload, size_t len)
{
	if (frame_send(agent.line, type, payload, len))
		power_off();
}

static void send_u32(uint8_t type, uint32_t v)
{
	uint8_t b[4];

	frame_put32(b, v);
	send_frame(type, b, sizeof(b));
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Gives waiting input to the command; grants the host as much credit as was taken. */
static void feed_command(struct agent *a)
{
	if (a->in >= 0 && a->waiting) {
		ssize_t n = write(a->in, a->pending, a->waiting);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			close_fd(&a->in);
			send_frame(FRAME_DEAF, NULL, 0);
		} else {
			a->waiting -= (size_t)n;
			memmove(a->pending, a->pending + n, a->waiting);
			send_u32(FRAME_CREDIT, (uint32_t)n);
		}
	}
	if (a->in < 0)
		a->waiting = 0;
	if (a->eof && !a->waiting)
		close_fd(&a->in);
}

static void on_frame(uint8_t type, const uint8_t *payload, size_t len, void *arg)
{
	struct agent *a = arg;

	switch (type) {
	case FRAME_GO:
		a->started = 1;
		break;
	case FRAME_STDIN:
		if (len > sizeof(a->pending) - a->waiting)
			fail("host overran its credit", ENOBUFS);
		memcpy(a->pending + a->waiting, payload, len);
		a->waiting += len;
		feed_command(a);
		break;
	case FRAME_EOF:
		a->eof = 1;
		feed_command(a);
		break;
	}
}

static void read_line(struct agent *a)
{
	uint8_t buf[512];
	ssize_t n = read(a->line, buf, sizeof(buf));

	if (n > 0)
		frame_parse(&a->parser, buf, (size_t)n, on_frame, a);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		power_off();		/* the console has gone: nobody can hear us */
}

/* Passes on what a stream of the command offers now; closes it at its end. */
static ssize_t forward(int *fd, uint8_t type)
{
	static uint8_t buf[FRAME_MAX];
	ssize_t n = read(*fd, buf, sizeof(buf));

	if (n > 0)
		send_frame(type, buf, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_fd(fd);
	return n;
}

/* Empties a stream after the command's end. A grandchild may hold it open: so never waits. */
static void drain(int *fd, uint8_t type)
{
	while (*fd >= 0 && forward(fd, type) > 0)
		;
}

/* Each read gives one record; EPIPE says that the kernel overwrote some. */
static void forward_kmsg(struct agent *a)
{
	static char rec[FRAME_MAX];
	ssize_t n;

	while ((n = read(a->kmsg, rec, sizeof(rec))) > 0 || (n < 0 && errno == EPIPE))
		if (n > 0)
			send_frame(FRAME_KMSG, rec, (size_t)n);
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_fd(&a->kmsg);
}

static void reap(struct agent *a)
{
	char drop[64];
	int st;
	pid_t pid;

	while (read(wake_pipe[0], drop, sizeof(drop)) > 0)
		;
	while ((pid = waitpid(-1, &st, WNOHANG)) > 0)
		if (pid == a->child) {
			a->status = st;
			a->done = 1;
		}
}

static void __attribute__((noreturn)) run_command(const struct request *req, const int io[3])
{
	sigset_t none;
	int err;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	setsid();
	for (int i = 0; i < 3; i++)
		if (dup2(io[i], i) < 0)
			_exit(126);
	if (req->cwd && chdir(req->cwd))
		dprintf(2, "vmagent: %s: %s\n", req->cwd, strerror(errno));
	environ = req->envp;
	execvp(req->argv[0], req->argv);
	err = errno;
	dprintf(2, "vmagent: %s: %s\n", req->argv[0], strerror(err));
	_exit(err == ENOENT ? 127 : 126);
}

/* A pipe whose both ends close on exec and stay above the standard descriptors. */
static void make_pipe(int p[2])
{
	if (pipe2(p, O_CLOEXEC))
		fail("pipe2", errno);
	for (int i = 0; i < 2; i++) {
		int high = fcntl(p[i], F_DUPFD_CLOEXEC, 10);

		if (high < 0)
			fail("fcntl", errno);
		close(p[i]);
		p[i] = high;
	}
}

static void set_nonblocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void start_command(struct agent *a)
{
	int in[2], out[2], err[2];

	make_pipe(in);
	make_pipe(out);
	make_pipe(err);
	a->child = fork();
	if (a->child < 0)
		fail("fork", errno);
	if (a->child == 0)
		run_command(&a->req, (const int[3]){ in[0], out[1], err[1] });
	close(in[0]);
	close(out[1]);
	close(err[1]);
	a->in = in[1];
	a->out = out[0];
	a->err = err[0];
	set_nonblocking(a->in);
	set_nonblocking(a->out);
	set_nonblocking(a->err);
	send_u32(FRAME_CREDIT, FRAME_WINDOW);
	feed_command(a);
}

/* One round of the loop. A closed stream's descriptor is -1, which poll() skips. */
static void pump_once(struct agent *a)
{
	struct pollfd pf[] = {
		{ .fd = a->line, .events = POLLIN },
		{ .fd = wake_pipe[0], .events = POLLIN },
		{ .fd = a->out, .events = POLLIN },
		{ .fd = a->err, .events = POLLIN },
		{ .fd = a->waiting ? a->in : -1, .events = POLLOUT },
		{ .fd = a->kmsg, .events = POLLIN },
	};

	if (poll(pf, sizeof(pf) / sizeof(pf[0]), -1) < 0) {
		if (errno != EINTR)
			fail("poll", errno);
		return;
	}
	if (pf[5].revents)
		forward_kmsg(a);
	if (pf[2].revents)
		forward(&a->out, FRAME_STDOUT);
	if (pf[3].revents)
		forward(&a->err, FRAME_STDERR);
	if (pf[4].revents)
		feed_command(a);
	if (pf[0].revents)
		read_line(a);
	if (pf[1].revents)
		reap(a);
}

static void open_line(struct agent *a)
{
	a->line = open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (a->line < 0)
		a->line = fcntl(0, F_DUPFD_CLOEXEC, 10);
	if (a->line < 0)
		power_off();
	setup_line(a->line);
}

/* From here on the kernel speaks through /dev/kmsg, so that its text cannot cut a frame. */
static void silence_kernel(struct agent *a)
{
	a->kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (a->kmsg >= 0)
		lseek(a->kmsg, 0, SEEK_END);
	klogctl(SYSLOG_CONSOLE_LEVEL, NULL, 1);
}

/* Says hello until the host answers: a kernel message may still cut the first one. */
static void shake_hands(struct agent *a)
{
	static const char version[] = "vmagent 1";

	while (!a->started) {
		struct pollfd pf = { .fd = a->line, .events = POLLIN };

		send_frame(FRAME_HELLO, version, sizeof(version) - 1);
		while (!a->started && poll(&pf, 1, 2000) > 0)
			read_line(a);
	}
}

int main(void)
{
	struct agent *a = &agent;
	struct sigaction sa = { .sa_handler = on_child, .sa_flags = SA_RESTART };
	int err;

	if (getpid() == 1)
		setup_machine();
	setup_modules();
	open_line(a);
	silence_kernel(a);
	signal(SIGPIPE, SIG_IGN);
	make_pipe(wake_pipe);
	set_nonblocking(wake_pipe[0]);
	set_nonblocking(wake_pipe[1]);
	sigaction(SIGCHLD, &sa, NULL);
	shake_hands(a);
	err = setup_request(&a->req);
	if (err)
		fail("/etc/vm/command", -err);
	start_command(a);
	while (!a->done)
		pump_once(a);
	drain(&a->out, FRAME_STDOUT);
	drain(&a->err, FRAME_STDERR);
	if (a->kmsg >= 0)
		forward_kmsg(a);
	sync();
	send_u32(FRAME_EXIT, (uint32_t)a->status);
	tcdrain(a->line);
	power_off();
}
