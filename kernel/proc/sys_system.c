/* SPDX-License-Identifier: MIT */
/* System calls on the machine: names, memory figures, reboot. */
#include <arch/cpu.h>
#include <generated/syscall_protos.h>
#include <kernel/clock.h>
#include <kernel/log.h>
#include <kernel/sched.h>
#include <kernel/smp.h>
#include <kernel/version.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/page.h>
#include <mm/uaccess.h>
#include <uapi/reboot.h>
#include <uapi/sysinfo.h>
#include <uapi/utsname.h>
#include "proc.h"

static struct mutex names_lock = MUTEX_INIT(names_lock, REGISTRY);
static char names[2][SYSTEM_NAME_MAX + 1] = {	/* [R] names_lock */
	[SYSTEM_HOST_NAME] = "aegis", [SYSTEM_DOMAIN_NAME] = "(none)",
};

void system_name_get(enum system_name which, char out[SYSTEM_NAME_MAX + 1])
{
	mutex_lock(&names_lock);
	memcpy(out, names[which], sizeof(names[which]));
	mutex_unlock(&names_lock);
}

void system_name_set(enum system_name which, const char *name)
{
	char text[SYSTEM_NAME_MAX + 1] = { 0 };

	str_copy_cut(text, name, sizeof(text));
	mutex_lock(&names_lock);
	memcpy(names[which], text, sizeof(text));
	mutex_unlock(&names_lock);
}

long sys_uname(uaddr_t buf)
{
	struct new_utsname u = { 0 };

	str_copy_cut(u.sysname, "Linux", sizeof(u.sysname));
	str_copy_cut(u.release, kernel_release, sizeof(u.release));
	str_copy_cut(u.version, kernel_version, sizeof(u.version));
	str_copy_cut(u.machine, arch_name, sizeof(u.machine));
	system_name_get(SYSTEM_HOST_NAME, u.nodename);
	system_name_get(SYSTEM_DOMAIN_NAME, u.domainname);
	return copy_to_user(buf, &u, sizeof(u));
}

static long set_system_name(enum system_name which, uaddr_t uname, int len)
{
	char name[SYSTEM_NAME_MAX + 1] = { 0 };

	if (current_cred()->euid != 0)
		return -EPERM;
	if (len < 0 || len > SYSTEM_NAME_MAX)
		return -EINVAL;
	if (copy_from_user(name, uname, (size_t)len))
		return -EFAULT;
	system_name_set(which, name);
	return 0;
}

long sys_sethostname(uaddr_t name, int len)
{
	return set_system_name(SYSTEM_HOST_NAME, name, len);
}

long sys_setdomainname(uaddr_t name, int len)
{
	return set_system_name(SYSTEM_DOMAIN_NAME, name, len);
}

static unsigned int count_threads(void)
{
	struct process *p;
	unsigned int n = 0;

	spin_lock(&tasklist_lock);
	list_for_each_entry(p, &process_list, all_node)
		n += p->nr_threads;
	spin_unlock(&tasklist_lock);
	return n;
}

long sys_sysinfo(uaddr_t uinfo)
{
	struct sched_stats stats;
	struct page_stats pages;
	struct sysinfo info = { 0 };

	sched_stats(&stats);
	page_stats(&pages);
	info.uptime = clock_ns() / NSEC_PER_SEC;
	for (unsigned int i = 0; i < 3; i++)
		info.loads[i] = stats.loads[i] << 5;	/* from 11 to 16 bits of fraction */
	info.totalram = pages.total << PAGE_SHIFT;
	info.freeram = pages.free << PAGE_SHIFT;
	info.sharedram = pages.shmem << PAGE_SHIFT;
	info.procs = (uint16_t)count_threads();
	info.mem_unit = 1;
	return copy_to_user(uinfo, &info, sizeof(info));
}

__noreturn static void leave(unsigned int cmd)
{
	log_notice("reboot: %s", cmd == LINUX_REBOOT_CMD_RESTART ? "restarting" :
		   cmd == LINUX_REBOOT_CMD_HALT ? "halted" : "power off");
	smp_halt_others();
	arch_irq_disable();
	if (cmd == LINUX_REBOOT_CMD_RESTART)
		arch_reboot();
	if (cmd == LINUX_REBOOT_CMD_HALT)
		arch_halt();
	arch_power_off();
}

long sys_reboot(unsigned int magic1, unsigned int magic2, int cmd, uaddr_t arg)
{
	if (current_cred()->euid != 0)
		return -EPERM;
	if (magic1 != LINUX_REBOOT_MAGIC1 ||
	    (magic2 != LINUX_REBOOT_MAGIC2 && magic2 != LINUX_REBOOT_MAGIC2A &&
	     magic2 != LINUX_REBOOT_MAGIC2B && magic2 != LINUX_REBOOT_MAGIC2C))
		return -EINVAL;
	switch ((unsigned int)cmd) {
	case LINUX_REBOOT_CMD_CAD_ON:
	case LINUX_REBOOT_CMD_CAD_OFF:
		return 0;
	case LINUX_REBOOT_CMD_RESTART:
	case LINUX_REBOOT_CMD_RESTART2:
		leave(LINUX_REBOOT_CMD_RESTART);
	case LINUX_REBOOT_CMD_HALT:
	case LINUX_REBOOT_CMD_POWER_OFF:
		leave((unsigned int)cmd);
	}
	return -EINVAL;
}
