/* SPDX-License-Identifier: MIT */
/* ptrace: fork, clone, exec and exit of tracees, threads, waiting for them. */
#include "ptrace.h"
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#define ALL_EVENTS (PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |		\
		    PTRACE_O_TRACEEXEC | PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT)

static unsigned long message_of(pid_t pid)
{
	unsigned long message = 0;

	ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
	return message;
}

static int fork_child(void *arg)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(4);
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static int vfork_child(void *arg)
{
	int status;
	pid_t pid = vfork();

	if (pid == 0)
		_exit(6);
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

/* Follow a parent and one child to their ends, the parent first at each turn. */
static void follow(pid_t pid, long options)
{
	pid_t child = 0;
	int status;

	TRY(ptrace(PTRACE_SETOPTIONS, pid, 0, options));
	ptrace(PTRACE_CONT, pid, 0, 0);
	for (;;) {
		status = next_stop("parent", pid);
		if (!WIFSTOPPED(status))
			break;
		if (status >> 16 >= PTRACE_EVENT_FORK && status >> 16 <= PTRACE_EVENT_CLONE) {
			child = (pid_t)message_of(pid);
			next_stop("the child begins", child);
			ptrace(PTRACE_CONT, child, 0, 0);
			status = next_stop("child", child);
			if (WIFSTOPPED(status)) {
				say("message %lx", message_of(child));
				ptrace(PTRACE_CONT, child, 0, 0);
				next_stop("child", child);
			}
		} else if (status >> 16 == PTRACE_EVENT_EXIT) {
			say("message %lx", message_of(pid));
		} else if (status >> 16 == PTRACE_EVENT_VFORK_DONE) {
			say("message %s", (pid_t)message_of(pid) == child ? "is the child" : "?");
		}
		ptrace(PTRACE_CONT, pid, 0, WSTOPSIG(status) == SIGCHLD ? SIGCHLD : 0);
	}
}

ABI_TEST(ptrace_event, fork)
{
	follow(traced(fork_child, NULL), PTRACE_O_TRACEFORK);
}

ABI_TEST(ptrace_event, fork_and_exit)
{
	follow(traced(fork_child, NULL), ALL_EVENTS);
}

ABI_TEST(ptrace_event, vfork)
{
	follow(traced(vfork_child, NULL), ALL_EVENTS);
}

/* Seized: the child begins with PTRACE_EVENT_STOP. */
ABI_TEST(ptrace_event, seized_fork)
{
	int go[2], status;
	pid_t pid, child;
	char c;

	(void)!pipe(go);
	pid = fork();
	if (pid == 0) {
		(void)!read(go[0], &c, 1);
		_exit(fork_child(NULL));
	}
	TRY(ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEFORK));
	(void)!write(go[1], "", 1);
	next_stop("parent", pid);
	child = (pid_t)message_of(pid);
	next_stop("the child begins", child);
	ptrace(PTRACE_CONT, child, 0, 0);
	next_stop("child", child);
	ptrace(PTRACE_CONT, pid, 0, 0);
	status = next_stop("parent", pid);
	if (WIFSTOPPED(status)) {
		ptrace(PTRACE_CONT, pid, 0, SIGCHLD);
		next_stop("parent", pid);
	}
}

static int exec_self(void *arg)
{
	execl("/proc/self/exe", abi_program, "@exit", "9", NULL);
	return 1;
}

ABI_TEST(ptrace_event, exec)
{
	pid_t pid = traced(exec_self, NULL);

	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXEC);
	ptrace(PTRACE_CONT, pid, 0, 0);
	next_stop("exec", pid);
	say("message %s", (pid_t)message_of(pid) == pid ? "is its number" : "?");
	finish(pid);

	pid = traced(exec_self, NULL);
	ptrace(PTRACE_CONT, pid, 0, 0);
	next_stop("without the event", pid);
	finish(pid);

	pid = traced(exec_self, NULL);
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC);
	ptrace(PTRACE_SYSCALL, pid, 0, 0);
	next_stop("entry", pid);
	ptrace(PTRACE_SYSCALL, pid, 0, 0);
	next_stop("event", pid);
	ptrace(PTRACE_SYSCALL, pid, 0, 0);
	next_stop("exit", pid);
#ifdef __x86_64__
	say("%s", ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.orig_rax), 0) ==
	    SYS_execve ? "of execve" : "of another call");
#endif
	finish(pid);
}

/* Exit: the stop shows how, also for death by a signal. */
static int die_by(void *arg)
{
	raise(SIGTERM);
	return 0;
}

static int exit_3(void *arg) { return 3; }

ABI_TEST(ptrace_event, exit)
{
	pid_t pid = traced(exit_3, NULL);

	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT);
	ptrace(PTRACE_CONT, pid, 0, 0);
	next_stop("exit", pid);
	say("message %lx", message_of(pid));
	ptrace(PTRACE_CONT, pid, 0, 0);
	next_stop("end", pid);
	pid = traced(die_by, NULL);
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT);
	ptrace(PTRACE_CONT, pid, 0, 0);
	next_stop("signal", pid);
	ptrace(PTRACE_CONT, pid, 0, SIGTERM);
	next_stop("exit", pid);
	say("message %lx", message_of(pid));
	ptrace(PTRACE_CONT, pid, 0, 0);
	next_stop("end", pid);
}

/* Threads. */

static void *thread_fn(void *arg)
{
	return NULL;
}

static int make_thread(void *arg)
{
	pthread_t t;

	pthread_create(&t, NULL, thread_fn, NULL);
	pthread_join(t, NULL);
	return 2;
}

ABI_TEST(ptrace_event, thread)
{
	pid_t pid = traced(make_thread, NULL), tid;
	siginfo_t info = { 0 };

	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE);
	ptrace(PTRACE_CONT, pid, 0, 0);
	next_stop("clone", pid);
	tid = (pid_t)message_of(pid);
	next_stop("the thread begins", tid);
	TRY(waitid(P_PID, (id_t)tid, &info, WEXITED | WNOHANG | __WALL));
	say("nothing: %d", info.si_pid == 0);
	ptrace(PTRACE_CONT, tid, 0, 0);
	TRY(waitid(P_PID, (id_t)tid, &info, WEXITED | WNOWAIT | __WALL));
	say("code %d status %d", info.si_code, info.si_status);
	next_stop("the thread", tid);
	TRY(waitpid(tid, NULL, __WALL));
	ptrace(PTRACE_CONT, pid, 0, 0);
	next_stop("end", pid);
}

static void *wait_thread(void *arg)
{
	for (;;)
		pause();
	return NULL;
}

static int threads_then_exec(void *arg)
{
	pthread_t t;

	pthread_create(&t, NULL, wait_thread, NULL);
	return exec_self(NULL);
}

/* exec ends the other threads; each is reported. */
ABI_TEST(ptrace_event, exec_of_threads)
{
	pid_t pid = traced(threads_then_exec, NULL), tid;

	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC);
	ptrace(PTRACE_CONT, pid, 0, 0);
	next_stop("clone", pid);
	tid = (pid_t)message_of(pid);
	next_stop("the thread begins", tid);
	ptrace(PTRACE_CONT, tid, 0, 0);
	ptrace(PTRACE_CONT, pid, 0, 0);
	next_stop("the thread", tid);
	next_stop("exec", pid);
	say("message %s", (pid_t)message_of(pid) == pid ? "is its number" : "?");
	finish(pid);
}

static void *exec_thread(void *arg)
{
	exec_self(NULL);
	return NULL;
}

static int thread_execs(void *arg)
{
	pthread_t t;

	pthread_create(&t, NULL, exec_thread, NULL);
	for (;;)
		pause();
	return 0;
}

/* exec by another thread: it appears under the leader's number. */
ABI_TEST(ptrace_event, exec_by_thread)
{
	pid_t pid = traced(thread_execs, NULL), tid;

	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC);
	ptrace(PTRACE_CONT, pid, 0, 0);
	next_stop("clone", pid);
	tid = (pid_t)message_of(pid);
	next_stop("the thread begins", tid);
	ptrace(PTRACE_CONT, pid, 0, 0);
	ptrace(PTRACE_CONT, tid, 0, 0);
	next_stop("exec", pid);
	say("message %s", (pid_t)message_of(pid) == tid ? "is the thread's number" : "?");
	TRY(waitpid(tid, NULL, __WALL));
	finish(pid);
}

static int exit_group_thread(void *arg)
{
	pthread_t t;

	pthread_create(&t, NULL, wait_thread, NULL);
	pthread_create(&t, NULL, wait_thread, NULL);
	return 8;
}

/* The threads are reported before the process, whose end shows last. */
ABI_TEST(ptrace_event, group_exit)
{
	pid_t pid = traced(exit_group_thread, NULL), tids[2];
	siginfo_t info = { 0 };

	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE);
	for (int i = 0; i < 2; i++) {
		ptrace(PTRACE_CONT, pid, 0, 0);
		next_stop("clone", pid);
		tids[i] = (pid_t)message_of(pid);
		next_stop("the thread begins", tids[i]);
		ptrace(PTRACE_CONT, tids[i], 0, 0);
	}
	ptrace(PTRACE_CONT, pid, 0, 0);
	next_stop("one", tids[0]);
	TRY(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT));
	say("the process: %s", info.si_pid ? "reported" : "not yet");
	next_stop("other", tids[1]);
	next_stop("the process", pid);
}

static void *ask(void *arg)
{
	pid_t pid = *(pid_t *)arg;

	TRY(ptrace(PTRACE_CONT, pid, 0, 0));
	return NULL;
}

static int sleep_long(void *arg)
{
	for (;;)
		pause();
	return 0;
}

static void *attach_and_end(void *arg)
{
	pid_t pid = *(pid_t *)arg;

	TRY(ptrace(PTRACE_SEIZE, pid, 0, 0));
	return NULL;
}

/* The tracer is a thread: others of its process are not, and its end is the end of tracing. */
ABI_TEST(ptrace_event, tracer_is_a_thread)
{
	pid_t pid = spawn(sleep_long, NULL);
	pthread_t t;

	ptrace(PTRACE_ATTACH, pid, 0, 0);
	next_stop("attached", pid);
	pthread_create(&t, NULL, ask, &pid);
	pthread_join(t, NULL);
	TRY(ptrace(PTRACE_DETACH, pid, 0, 0));
	pthread_create(&t, NULL, attach_and_end, &pid);
	pthread_join(t, NULL);
	/* It can be joined a little before it is gone. */
	for (int i = 0; i < 1000 && ptrace(PTRACE_SEIZE, pid, 0, 0); i++)
		sleep_ms(5);
	TRY(ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	finish(pid);
}

/* Stops are reported without WUNTRACED, to waitid without WSTOPPED, once. */
ABI_TEST(ptrace_event, waiting)
{
	pid_t pid = traced(sleep_long, NULL);
	siginfo_t info = { 0 };
	struct rusage ru;
	int status;

	TRY(waitpid(pid, &status, WNOHANG));
	ptrace(PTRACE_CONT, pid, 0, 0);
	kill(pid, SIGUSR1);
	TRY(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	say("code %d status %d %s", info.si_code, info.si_status, info.si_pid == pid ? "its" : "?");
	TRY(wait4(-1, &status, 0, &ru) == pid);
	show_stop("taken", status);
	TRY(waitpid(pid, &status, WNOHANG));
	TRY(waitpid(-getpgrp(), &status, WNOHANG));
	finish(pid);
	TRY(waitpid(-1, &status, WNOHANG));
}

/* Core files. */

static int make_core(void *arg)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_CORE, &limit);
	abort();
}

static int no_core(void *arg)
{
	abort();
}

static void show_core(const char *name)
{
	Elf64_Ehdr h;
	Elf64_Phdr p;
	int fd = open(name, O_RDONLY);
	struct stat st;

	if (fd < 0) {
		say("%s: %s", name, errno_name(errno));
		return;
	}
	fstat(fd, &st);
	(void)!read(fd, &h, sizeof(h));
	(void)!pread(fd, &p, sizeof(p), (off_t)h.e_phoff);
	say("%s: mode %o, %s, type %d, first segment %s, %s threads", name, st.st_mode & 0777,
	    memcmp(h.e_ident, ELFMAG, 4) ? "no ELF" : "ELF", h.e_type,
	    p.p_type == PT_NOTE ? "notes" : "?", p.p_filesz > 1000 ? "some" : "no");
	close(fd);
	unlink(name);
}

static void put_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_TRUNC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		say("%s: %s", name, errno_name(errno));
	close(fd);
}

ABI_TEST(ptrace_event, core_file)
{
	char name[64], old[128] = "core\n";
	int status, fd = open("/proc/sys/kernel/core_pattern", O_RDONLY);
	pid_t pid;

	(void)!read(fd, old, sizeof(old) - 1);
	close(fd);
	put_file("/proc/sys/kernel/core_pattern", "core\n");
	run_child("without a limit", no_core, NULL);
	show_core("core");
	pid = spawn(make_core, NULL);
	waitpid(pid, &status, 0);
	say("signal %d core %d", WTERMSIG(status), !!WCOREDUMP(status));
	show_core("core");
	put_file("/proc/sys/kernel/core_pattern", "dump.%s.%p%%x%e\n");
	pid = spawn(make_core, NULL);
	waitpid(pid, &status, 0);
	snprintf(name, sizeof(name), "dump.%d.%d%%xabi-tests", SIGABRT, pid);
	say("core %d, name %s", !!WCOREDUMP(status), access(name, F_OK) ? "is another" :
	    "as wanted");
	unlink(name);
	put_file("/proc/sys/kernel/core_pattern", old);
}
