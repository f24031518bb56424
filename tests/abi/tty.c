/* SPDX-License-Identifier: MIT */
/* Pseudo-terminals: the line discipline, windows, sessions and job control. */
#include "abi.h"

#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;

static bool open_pair(void)
{
	char name[32];
	int zero = 0;
	unsigned int number = 0;

	master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (master < 0 || ioctl(master, TIOCSPTLCK, &zero) < 0 ||
	    ioctl(master, TIOCGPTN, &number) < 0) {
		say("no pty: %s", errno_name(errno));
		return false;
	}
	snprintf(name, sizeof(name), "/dev/pts/%u", number);
	slave = open(name, O_RDWR | O_NOCTTY);
	return slave >= 0;
}

static void show_bytes(const char *what, int fd)
{
	char buf[256], text[1024];
	ssize_t n;
	size_t at = 0;

	sleep_ms(20);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	n = read(fd, buf, sizeof(buf));
	fcntl(fd, F_SETFL, 0);
	for (ssize_t i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, buf[i] < 32 ||
				       buf[i] > 126 ? "\\%o" : "%c", (unsigned char)buf[i]);
	text[at] = '\0';
	say("%s: %zd %s%s", what, n, text, n < 0 ? errno_name(errno) : "");
}

static void type(const char *text)
{
	(void)!write(master, text, strlen(text));
}

ABI_TEST(tty, canonical)
{
	if (!open_pair())
		return;
	say("a tty %d, a file %d", isatty(slave), isatty(open("/dev/null", O_RDONLY)));
	type("ab\177c\n");
	show_bytes("line with erase", slave);
	show_bytes("echo", master);
	type("one two\027three\025new\n");
	show_bytes("word erase and kill", slave);
	show_bytes("echo", master);
	type("part");
	show_bytes("no line yet", slave);
	type("\004");
	show_bytes("end of file flushes", slave);
	type("\004");
	show_bytes("and ends", slave);
	type("x\ry\n");
	show_bytes("CR becomes NL", slave);
	show_bytes("only one line", slave);
	show_bytes("echo", master);
	(void)!write(slave, "out\n", 4);
	show_bytes("NL becomes CR NL", master);
	type("\026\003\n");
	show_bytes("literal next", slave);
}

ABI_TEST(tty, raw)
{
	struct termios t;

	if (!open_pair())
		return;
	TRY(tcgetattr(slave, &t));
	say("flags %#x %#x %#x %#x", t.c_iflag, t.c_oflag,
	    t.c_cflag & (CSIZE | CREAD | HUPCL | PARENB), t.c_lflag);
	say("intr %d eof %d erase %d min %d", t.c_cc[VINTR], t.c_cc[VEOF], t.c_cc[VERASE],
	    t.c_cc[VMIN]);
	cfmakeraw(&t);
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 1;
	TRY(tcsetattr(slave, TCSANOW, &t));
	type("ab\177\003\r");
	show_bytes("raw bytes", slave);
	show_bytes("no echo", master);
	TRY(read(slave, &t, 1));
	(void)!write(slave, "\n", 1);
	show_bytes("no output processing", master);
	TRY(tcflush(slave, TCIOFLUSH));
	TRY(tcdrain(slave));
	TRY(tcgetattr(1000, &t));
}

static volatile int winch;

static void count_winch(int sig)
{
	(void)sig;
	winch++;
}

ABI_TEST(tty, window_and_hangup)
{
	struct winsize w = { 11, 22, 33, 44 }, got;
	int pgrp = 0;

	if (!open_pair())
		return;
	if (fork() == 0) {
		signal(SIGWINCH, count_winch);
		signal(SIGHUP, count_winch);
		setsid();
		TRY(ioctl(slave, TIOCGPGRP, &pgrp));
		TRY(ioctl(slave, TIOCSCTTY, 0));
		TRY(ioctl(slave, TIOCGPGRP, &pgrp));
		say("foreground is ours %d, session %d", pgrp == getpgrp(),
		    tcgetsid(slave) == getsid(0));
		TRY(ioctl(master, TIOCSWINSZ, &w));
		TRY(ioctl(slave, TIOCGWINSZ, &got));
		say("window %d %d, signalled %d", got.ws_row, got.ws_col, winch);
		TRY_OK(open("/dev/tty", O_RDWR));
		close(master);
		_exit(0);
	}
	wait(NULL);
	close(master);
	TRY(read(slave, &got, 1));
	TRY(write(slave, "x", 1));
	TRY(ioctl(slave, TIOCGWINSZ, &got));
}

/* Who reads when the master closes gets EIO, signal or not; who comes after, end of file. */
static int read_at_hangup(void *arg)
{
	bool is_leader = arg;
	char byte;

	close(master);
	signal(SIGHUP, count_winch);
	if (is_leader) {
		setsid();
		TRY(ioctl(slave, TIOCSCTTY, 0));
	}
	TRY(read(slave, &byte, 1));
	sleep_ms(200);		/* Linux hangs up a moment after it has woken the reader */
	TRY(read(slave, &byte, 1));
	sleep_ms(200);		/* the signal may come a moment after the end of file */
	return winch;
}

ABI_TEST(tty, read_at_hangup)
{
	for (uintptr_t leader = 0; leader < 2; leader++) {
		int status;
		pid_t pid;

		if (!open_pair())
			return;
		pid = spawn(read_at_hangup, (void *)leader);
		sleep_ms(200);
		close(master);
		waitpid(pid, &status, 0);
		show_status(leader ? "leader" : "other", status);
		close(slave);
	}
}

ABI_TEST(tty, slave_closed)
{
	char byte;

	if (!open_pair())
		return;
	(void)!write(slave, "left", 4);
	close(slave);
	show_bytes("what was written", master);
	TRY(read(master, &byte, 1));
}

static int job_leader(void *arg)
{
	int status, fg;
	pid_t pid;

	(void)arg;
	setsid();
	ioctl(slave, TIOCSCTTY, 0);
	signal(SIGTTOU, SIG_IGN);
	pid = fork();
	if (pid == 0) {
		signal(SIGTTOU, SIG_DFL);
		setpgid(0, 0);
		while (tcgetpgrp(slave) != getpgrp())
			sleep_ms(1);
		for (;;)
			pause();
	}
	setpgid(pid, pid);
	show("tcsetpgrp", tcsetpgrp(slave, pid));
	fg = tcgetpgrp(slave);
	say("foreground %d", fg == pid);
	type("\032");
	waitpid(pid, &status, WUNTRACED);
	show_status("^Z", status);
	kill(-pid, SIGCONT);
	type("\003");
	waitpid(pid, &status, 0);
	show_status("^C", status);
	pid = fork();
	if (pid == 0) {
		char byte;

		setpgid(0, 0);
		tcsetpgrp(slave, getppid());
		show("background read", read(slave, &byte, 1));
		_exit(0);
	}
	setpgid(pid, pid);
	tcsetpgrp(slave, getpgrp());
	waitpid(pid, &status, WUNTRACED);
	show_status("background read", status);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	type("\034");
	sleep_ms(100);
	return 0;
}

ABI_TEST(tty, job_control)
{
	if (!open_pair())
		return;
	run_child("leader, at ^\\", job_leader, NULL);
}
