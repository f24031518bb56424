/* SPDX-License-Identifier: MIT */
/*
 * What this machine's CPUs can do: AT_HWCAP, the ID registers as user mode may see them (an MRS of
 * one traps and is emulated, HWCAP_CPUID), and what the kernel itself uses.
 *
 * The boot CPU speaks for all. A feature is shown only if its state is kept: so no SVE, SME,
 * MTE, BTI and pointer authentication, in HWCAP and in the registers alike.
 */
#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/upcalls.h>
#include <arch_impl/asm.h>
#include <kernel/init.h>
#include <lib/bits.h>
#include <lib/minmax.h>
#include <uapi/auxv.h>
#include <arch_impl/arm64.h>

const char arch_name[] = "aarch64";
uint32_t arm64_features;

/* Op0=3, Op1=0, CRn=0: CRm and Op2 name the register. */
#define ID_ENCODING(crm, op2)	((crm) << 3 | (op2))

enum id_index { ISAR0, ISAR1, ISAR2, PFR0, PFR1, MMFR0, MMFR1, MMFR2, DFR0, ID_COUNT };

struct id_register {
	uint8_t encoding;
	uint64_t visible;		/* fields that user mode sees; others read 0 */
	uint64_t value;			/* [I] as the CPU says, masked */
};

/* Masks as Linux's user ABI has them (cpu-feature-registers), less what we keep off. */
static struct id_register ids[ID_COUNT] = {
	[ISAR0] = { ID_ENCODING(6, 0), 0xf0fffffff0fffff0UL, 0 },
	[ISAR1] = { ID_ENCODING(6, 1), 0x00ff0fff00fff00fUL, 0 },
	[ISAR2] = { ID_ENCODING(6, 2), 0x00000000000000f0UL, 0 },
	[PFR0] = { ID_ENCODING(4, 0), 0x000f000000ff0000UL, 0 },
	[PFR1] = { ID_ENCODING(4, 1), 0x00000000000000f0UL, 0 },
	[MMFR0] = { ID_ENCODING(7, 0), 0xf000000000000000UL, 0 },
	[MMFR1] = { ID_ENCODING(7, 1), 0x0000f00000000000UL, 0 },
	[MMFR2] = { ID_ENCODING(7, 2), 0x0000000f00000000UL, 0 },
	[DFR0] = { ID_ENCODING(5, 0), 0, 0 },
};

struct hwcap_rule {
	uint8_t id, shift, min;
	bool second;			/* AT_HWCAP2 */
	uint64_t bit;
};

static const struct hwcap_rule rules[] = {
	{ ISAR0, 4, 1, false, HWCAP_AES },	{ ISAR0, 4, 2, false, HWCAP_PMULL },
	{ ISAR0, 8, 1, false, HWCAP_SHA1 },	{ ISAR0, 12, 1, false, HWCAP_SHA2 },
	{ ISAR0, 12, 2, false, HWCAP_SHA512 },	{ ISAR0, 16, 1, false, HWCAP_CRC32 },
	{ ISAR0, 20, 2, false, HWCAP_ATOMICS },	{ ISAR0, 28, 1, false, HWCAP_ASIMDRDM },
	{ ISAR0, 32, 1, false, HWCAP_SHA3 },	{ ISAR0, 36, 1, false, HWCAP_SM3 },
	{ ISAR0, 40, 1, false, HWCAP_SM4 },	{ ISAR0, 44, 1, false, HWCAP_ASIMDDP },
	{ ISAR0, 48, 1, false, HWCAP_ASIMDFHM }, { ISAR0, 52, 1, false, HWCAP_FLAGM },
	{ ISAR0, 52, 2, true, HWCAP2_FLAGM2 },	{ ISAR0, 60, 1, true, HWCAP2_RNG },
	{ ISAR1, 0, 1, false, HWCAP_DCPOP },	{ ISAR1, 0, 2, true, HWCAP2_DCPODP },
	{ ISAR1, 12, 1, false, HWCAP_JSCVT },	{ ISAR1, 16, 1, false, HWCAP_FCMA },
	{ ISAR1, 20, 1, false, HWCAP_LRCPC },	{ ISAR1, 20, 2, false, HWCAP_ILRCPC },
	{ ISAR1, 32, 1, true, HWCAP2_FRINT },	{ ISAR1, 36, 1, false, HWCAP_SB },
	{ ISAR1, 44, 1, true, HWCAP2_BF16 },	{ ISAR1, 48, 1, true, HWCAP2_DGH },
	{ ISAR1, 52, 1, true, HWCAP2_I8MM },	{ ISAR2, 4, 1, true, HWCAP2_RPRES },
	{ PFR0, 48, 1, false, HWCAP_DIT },	{ PFR1, 4, 2, false, HWCAP_SSBS },
	{ MMFR0, 60, 1, true, HWCAP2_ECV },	{ MMFR1, 44, 1, true, HWCAP2_AFP },
	{ MMFR2, 32, 1, false, HWCAP_USCAT },
};

static uint64_t hwcaps[2];

void __init arm64_cpu_features_init(void)
{
	const uint64_t raw[ID_COUNT] = {
		[ISAR0] = sysreg_read(id_aa64isar0_el1), [ISAR1] = sysreg_read(id_aa64isar1_el1),
		[ISAR2] = sysreg_read(SYS_ID_AA64ISAR2_EL1), [PFR0] = sysreg_read(id_aa64pfr0_el1),
		[PFR1] = sysreg_read(id_aa64pfr1_el1), [MMFR0] = sysreg_read(id_aa64mmfr0_el1),
		[MMFR1] = sysreg_read(id_aa64mmfr1_el1), [MMFR2] = sysreg_read(id_aa64mmfr2_el1),
	};

	for (unsigned int i = 0; i < ID_COUNT; i++)
		ids[i].value = raw[i] & ids[i].visible;
	/* EL0 and EL1 are AArch64 only; the instruction-set fields read 1 for both. */
	ids[PFR0].value |= 0x11;
	hwcaps[0] = HWCAP_CPUID;
	if (id_field(raw[PFR0], 16) != 15)
		hwcaps[0] |= HWCAP_FP | (id_field(raw[PFR0], 16) >= 1 ? HWCAP_FPHP : 0);
	if (id_field(raw[PFR0], 20) != 15)
		hwcaps[0] |= HWCAP_ASIMD | (id_field(raw[PFR0], 20) >= 1 ? HWCAP_ASIMDHP : 0);
	for (const struct hwcap_rule *r = rules; r < rules + ARRAY_SIZE(rules); r++)
		if (id_field(ids[r->id].value, r->shift) >= r->min)
			hwcaps[r->second] |= r->bit;
	if (id_field(raw[MMFR1], 20))
		arm64_features |= 1 << PATCH_PAN;
	if (id_field(raw[ISAR0], 60))
		arm64_features |= ARM64_HAS_RNG;
}

uint64_t arch_hwcap(void)
{
	return hwcaps[0];
}

uint64_t arch_hwcap2(void)
{
	return hwcaps[1];
}

/* CRm 1-7 are the feature registers, unknown ones read as zero; MIDR and REVIDR are as they are. */
bool arm64_id_register(uint32_t encoding, uint64_t *value)
{
	*value = 0;
	if (encoding == ID_ENCODING(0, 0)) {
		*value = sysreg_read(midr_el1);
	} else if (encoding == ID_ENCODING(0, 5)) {
		*value = 1UL << 31;		/* MPIDR: nothing about topology */
	} else if (encoding == ID_ENCODING(0, 6)) {
		*value = sysreg_read(revidr_el1);
	} else if (encoding < ID_ENCODING(1, 0)) {
		return false;
	}
	for (unsigned int i = 0; i < ID_COUNT; i++)
		if (ids[i].encoding == encoding)
			*value = ids[i].value;
	return true;
}

static void emulated(struct regs *regs, unsigned int rt, uint64_t value)
{
	if (rt < 31)
		regs->x[rt] = value;
	regs->pc += 4;
}

/* MRS Xt, S3_0_C0_Cm_op2: undefined at EL0 before FEAT_IDST. */
bool arm64_emulate_mrs(struct regs *regs, uint32_t insn)
{
	uint64_t value;

	if ((insn & 0xfffff000) != 0xd5380000 || (insn >> 8 & 15) > 7 ||
	    !arm64_id_register(insn >> 5 & 0x7f, &value))
		return false;
	emulated(regs, insn & 31, value);
	return true;
}

/*
 * A trapped MSR or MRS; ISS: op0 [21:20], op2 [19:17], op1 [16:14], CRn [13:10], Rt [9:5], CRm
 * [4:1], read [0].
 */
bool arm64_emulate_sys64(struct regs *regs, uint64_t esr)
{
	unsigned int op0 = esr >> 20 & 3, op2 = esr >> 17 & 7, op1 = esr >> 14 & 7;
	unsigned int crn = esr >> 10 & 15, rt = esr >> 5 & 31, crm = esr >> 1 & 15;
	uint64_t value;

	if (!(esr & 1) || op0 != 3)
		return false;
	if (op1 == 0 && crn == 0 && crm <= 7) {
		if (!arm64_id_register(ID_ENCODING(crm, op2), &value))
			return false;
	} else if (op1 == 3 && crn == 0 && crm == 0 && op2 == 1) {
		value = sysreg_read(ctr_el0);
	} else if (op1 == 3 && crn == 14 && crm == 0 && op2 == 0) {
		value = sysreg_read(cntfrq_el0);
	} else if (op1 == 3 && crn == 14 && crm == 0 && op2 == 2) {
		value = sysreg_read(cntvct_el0);
	} else {
		return false;
	}
	emulated(regs, rt, value);
	return true;
}

static bool rndr(uint64_t *v)
{
	uint64_t flags;

	__asm__ volatile("mrs %0, " STRINGIFY(SYS_RNDR) "\n\tcset %1, ne" : "=r"(*v), "=r"(flags)
			 : : "cc");
	return flags;
}

size_t arch_random_seed(void *buf, size_t len)
{
	size_t done = arm64_boot_seed(buf, len);

	while (arm64_features & ARM64_HAS_RNG && done < len) {
		uint64_t v;
		size_t n = min(len - done, sizeof(v));

		if (!rndr(&v))
			break;
		__builtin_memcpy((char *)buf + done, &v, n);
		done += n;
	}
	return done;
}
