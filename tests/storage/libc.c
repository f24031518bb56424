/* SPDX-License-Identifier: MIT */
/*
 * The C library for the host build of file systems: a file of its own, since its headers and the
 * kernel's define the same names.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

void *host_alloc(size_t size);
void host_free(void *p);
void host_print(const char *fmt, ...);
void host_flush(void);
void host_exit(int status);
void *host_load(const char *path, uint64_t *size);
int host_store(const char *path, const void *data, uint64_t size);
int host_run(const char *command);
double host_seconds(void);
void host_format(char *out, size_t size, const char *fmt, ...);
uint64_t host_env(const char *name, uint64_t otherwise);
const char *host_tmpdir(void);
void panic(const char *fmt, ...);

void *host_alloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		abort();
	return p;
}

void host_free(void *p)
{
	free(p);
}

void host_print(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
}

void host_flush(void)
{
	fflush(stdout);
}

void host_exit(int status)
{
	fflush(stdout);
	exit(status);
}

void *host_load(const char *path, uint64_t *size)
{
	FILE *f = fopen(path, "rb");
	void *data;

	if (!f)
		return NULL;
	fseek(f, 0, SEEK_END);
	*size = (uint64_t)ftell(f);
	rewind(f);
	data = host_alloc(*size);
	if (fread(data, 1, *size, f) != *size)
		abort();
	fclose(f);
	return data;
}

int host_store(const char *path, const void *data, uint64_t size)
{
	FILE *f = fopen(path, "wb");
	int bad;

	if (!f)
		return -1;
	bad = fwrite(data, 1, size, f) != size;
	return fclose(f) || bad ? -1 : 0;
}

int host_run(const char *command)
{
	int status;

	fflush(stdout);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

double host_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void host_format(char *out, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out, size, fmt, ap);
	va_end(ap);
}

uint64_t host_env(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);

	return s && *s ? strtoull(s, NULL, 0) : otherwise;
}

const char *host_tmpdir(void)
{
	const char *s = getenv("STORAGE_TMP");

	return s && *s ? s : "/tmp";
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("panic: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	abort();
}
