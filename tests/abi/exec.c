/* SPDX-License-Identifier: MIT */
/*
 * execve: arguments, the auxiliary vector, scripts, close-on-exec, what survives, what is refused.
 */
#include "abi.h"

#include <elf.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

extern char **environ;

static int mode_args(int argc, char **argv)
{
	say("argc %d", argc);
	for (int i = 1; i < argc; i++)
		say("  %s", argv[i]);
	for (int i = 0; environ[i]; i++)
		say("  env %s", environ[i]);
	return 3;
}

static int mode_auxv(void)
{
	const Elf64_Phdr *phdr = (const void *)getauxval(AT_PHDR);
	const unsigned char *random = (const void *)getauxval(AT_RANDOM);
	int loads = 0, mixed = 0;

	for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
		loads += phdr[i].p_type == PT_LOAD;
	for (int i = 1; i < 16; i++)
		mixed |= random[i] != random[0];
	say("PAGESZ %lu CLKTCK %lu PHENT %lu", getauxval(AT_PAGESZ), getauxval(AT_CLKTCK),
	    getauxval(AT_PHENT));
	say("program headers with loads %d, random bytes %d", loads > 0, mixed);
	say("uid %d euid %d gid %d secure %lu", getauxval(AT_UID) == getuid(),
	    getauxval(AT_EUID) == geteuid(), getauxval(AT_GID) == getgid(), getauxval(AT_SECURE));
	say("entry %d execfn %d platform %d", getauxval(AT_ENTRY) != 0, getauxval(AT_EXECFN) != 0,
	    getauxval(AT_PLATFORM) != 0);
	say("vdso %d hwcap %d", getauxval(AT_SYSINFO_EHDR) != 0, getauxval(AT_HWCAP) != 0);
	return 0;
}

static int mode_state(char **argv)
{
	struct sigaction usr1, usr2;
	char name[16];
	sigset_t mask;

	sigaction(SIGUSR1, NULL, &usr1);
	sigaction(SIGUSR2, NULL, &usr2);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	prctl(PR_GET_NAME, name);
	say("ignored stays %d, caught becomes default %d", usr1.sa_handler == SIG_IGN,
	    usr2.sa_handler == SIG_DFL);
	say("mask stays %d", sigismember(&mask, SIGHUP));
	say("same pid %d", getpid() == atoi(argv[2]));
	say("kept descriptor %d, close-on-exec %s", fcntl(30, F_GETFD), fcntl(31, F_GETFD) < 0 ?
	    errno_name(errno) : "kept");
	say("name is the program's %d", !strncmp(name, strrchr(abi_program, '/') ?
	    strrchr(abi_program, '/') + 1 : abi_program, 15));
	return 0;
}

int abi_exec_mode(int argc, char **argv)
{
	if (!strcmp(argv[1], "@args"))
		return mode_args(argc, argv);
	if (!strcmp(argv[1], "@auxv"))
		return mode_auxv();
	if (!strcmp(argv[1], "@state"))
		return mode_state(argv);
	return 77;
}

static int exec_args(void *arg)
{
	char *argv[] = { "zero", "@args", "one", "", "three words here", NULL };
	char *env[] = { "A=1", "B=", NULL };

	(void)arg;
	execve(abi_program, argv, env);
	return 99;
}

static int exec_auxv(void *arg)
{
	char *argv[] = { (char *)abi_program, "@auxv", NULL };

	(void)arg;
	execve(abi_program, argv, environ);
	return 99;
}

static int exec_state(void *arg)
{
	char pid[16];
	char *argv[] = { (char *)abi_program, "@state", pid, NULL };
	sigset_t set;

	(void)arg;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, (void (*)(int))abs);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	dup3(1, 30, 0);
	dup3(1, 31, O_CLOEXEC);
	execve(abi_program, argv, environ);
	return 99;
}

ABI_TEST(exec, arguments)
{
	run_child("exec", exec_args, NULL);
}

ABI_TEST(exec, auxv)
{
	run_child("exec", exec_auxv, NULL);
}

ABI_TEST(exec, what_survives)
{
	run_child("exec", exec_state, NULL);
}

static void put_file(const char *name, const void *data, size_t len, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, mode);

	(void)!write(fd, data, len);
	close(fd);
}

static long try_exec(const char *path)
{
	char *argv[] = { "x", NULL };

	return execve(path, argv, environ);
}

ABI_TEST(exec, refusals)
{
	Elf64_Ehdr hdr = { .e_ident = "\177ELF\2\1\1", .e_type = ET_EXEC, .e_machine = EM_S390 };
	char *many[3] = { "x", NULL, NULL };
	static char big[200000];

	TRY(try_exec("missing"));
	TRY(try_exec("."));
	put_file("text", "not a program", 13, 0755);
	TRY(try_exec("text"));
	put_file("plain", "x", 1, 0644);
	TRY(try_exec("plain"));
	TRY(try_exec("plain/x"));
	put_file("empty", "", 0, 0755);
	TRY(try_exec("empty"));
	put_file("short", "\177ELF", 4, 0755);
	TRY(try_exec("short"));
	put_file("foreign", &hdr, sizeof(hdr), 0755);
	TRY(try_exec("foreign"));
	put_file("script", "#!/missing/interpreter\n", 23, 0755);
	TRY(try_exec("script"));
	put_file("script", "#!\n", 3, 0755);
	TRY(try_exec("script"));
	memset(big, 'a', sizeof(big) - 1);
	many[1] = big;
	TRY(execve(abi_program, many, environ));
	unlink("text");
	unlink("plain");
	unlink("empty");
	unlink("short");
	unlink("foreign");
	unlink("script");
}

static int exec_script(void *arg)
{
	char *argv[] = { "ignored", "last", NULL };
	char *env[] = { NULL };

	execve(arg, argv, env);
	return 99;
}

ABI_TEST(exec, scripts)
{
	char text[600];

	if (abi_program[0] != '/') {
		say("run by an absolute path");
		return;
	}
	snprintf(text, sizeof(text), "#! %s   @args\nrest\n", abi_program);
	put_file("script", text, strlen(text), 0755);
	run_child("script", exec_script, "./script");
	unlink("script");
}

/* glibc's ld.so begins its heap behind its bss, in the same page. */
ABI_TEST(exec, bss_tail)
{
	extern char _end;
	const char *p = &_end;
	int dirty = 0;

	for (; (uintptr_t)p % 4096; p++)
		dirty += *p != 0;
	say("bytes behind the bss that are not zero: %d", dirty);
}
