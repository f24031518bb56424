/* SPDX-License-Identifier: MIT */
/*
 * System registers: access, and the fields the port uses (Arm ARM, chapter D).
 * Registers that an armv8.0 assembler does not know are given by their encoding.
 */
#ifndef ARCH_IMPL_SYSREG_H
#define ARCH_IMPL_SYSREG_H

#ifndef __ASSEMBLER__
#include <lib/types.h>

#define sysreg_read(reg) ({						\
	uint64_t sr_value_;						\
	__asm__ volatile("mrs %0, " STRINGIFY(reg) : "=r"(sr_value_));	\
	sr_value_; })

#define sysreg_write(reg, value)					\
	__asm__ volatile("msr " STRINGIFY(reg) ", %x0" : : "rZ"((uint64_t)(value)) : "memory")

#define isb()		__asm__ volatile("isb" ::: "memory")
#define dsb(scope)	__asm__ volatile("dsb " #scope ::: "memory")

/* Field of an ID register: four bits at @shift. */
static inline unsigned int id_field(uint64_t reg, unsigned int shift)
{
	return reg >> shift & 15;
}
#endif

#define SYS_ICC_PMR_EL1		S3_0_C4_C6_0
#define SYS_ICC_IAR1_EL1	S3_0_C12_C12_0
#define SYS_ICC_EOIR1_EL1	S3_0_C12_C12_1
#define SYS_ICC_BPR1_EL1	S3_0_C12_C12_3
#define SYS_ICC_CTLR_EL1	S3_0_C12_C12_4
#define SYS_ICC_SRE_EL1		S3_0_C12_C12_5
#define SYS_ICC_IGRPEN1_EL1	S3_0_C12_C12_7
#define SYS_ICC_SGI1R_EL1	S3_0_C12_C11_5
#define SYS_ICC_SRE_EL2		S3_4_C12_C9_5
#define SYS_ICH_HCR_EL2		S3_4_C12_C11_0
#define SYS_RNDR		S3_3_C2_C4_0
#define SYS_ID_AA64ZFR0_EL1	S3_0_C0_C4_4
#define SYS_ID_AA64SMFR0_EL1	S3_0_C0_C4_5
#define SYS_ID_AA64ISAR2_EL1	S3_0_C0_C6_2
#define SYS_HFGRTR_EL2		S3_4_C1_C1_4
#define SYS_HFGWTR_EL2		S3_4_C1_C1_5
#define SYS_HFGITR_EL2		S3_4_C1_C1_6
#define SYS_HDFGRTR_EL2		S3_4_C3_C1_4
#define SYS_HDFGWTR_EL2		S3_4_C3_C1_5

/* SCTLR_EL1 */
#define SCTLR_M			(1 << 0)
#define SCTLR_C			(1 << 2)
#define SCTLR_SA		(1 << 3)
#define SCTLR_SA0		(1 << 4)
#define SCTLR_SED		(1 << 8)
#define SCTLR_EOS		(1 << 11)
#define SCTLR_I			(1 << 12)
#define SCTLR_DZE		(1 << 14)
#define SCTLR_UCT		(1 << 15)
#define SCTLR_NTWE		(1 << 18)
#define SCTLR_TSCXT		(1 << 20)
#define SCTLR_EIS		(1 << 22)
#define SCTLR_SPAN		(1 << 23)
#define SCTLR_UCI		(1 << 26)
#define SCTLR_NTLSMD		(1 << 28)
#define SCTLR_LSMAOE		(1 << 29)

#define SCTLR_BASE	(SCTLR_EOS | SCTLR_TSCXT | SCTLR_EIS | SCTLR_SPAN | SCTLR_NTLSMD | \
			 SCTLR_LSMAOE)
#define SCTLR_MMU_ON							\
	((SCTLR_BASE & ~SCTLR_SPAN) | SCTLR_M | SCTLR_C | SCTLR_I | SCTLR_SA | SCTLR_SA0 |	\
	 SCTLR_SED | SCTLR_DZE | SCTLR_UCT | SCTLR_NTWE | SCTLR_UCI)

/* Memory types: index in MAIR_EL1 and value. */
#define MAIR_INDEX_NORMAL	0
#define MAIR_INDEX_DEVICE	1
#define MAIR_INDEX_NC		2
#define MAIR_VALUE		(0xff | 0x04 << 8 | 0x44 << 16)

/*
 * TCR_EL1: 48-bit halves, 4 KiB granule, write-back inner-shareable walks; the top byte of a user
 * address is a tag that is not looked at (TBI0), as Linux's ABI has it. IPS, AS and HA are added.
 */
#define TCR_BASE							\
	(16 | 1 << 8 | 1 << 10 | 3 << 12 |				\
	 16 << 16 | 1 << 24 | 1 << 26 | 3 << 28 | 2 << 30 | 1 << 37)
#define TCR_IPS_SHIFT		32
#define TCR_AS_SHIFT		36
#define TCR_HA_SHIFT		39

/* CPACR_EL1: FP and SIMD at both levels; SVE and SME trap. */
#define CPACR_FPEN		(3 << 20)

/* ESR_ELx */
#define ESR_EC_SHIFT		26
#define ESR_EC(esr)		((esr) >> ESR_EC_SHIFT & 0x3f)
#define ESR_IL			(1 << 25)
#define ESR_ISS(esr)		((esr) & 0x1ffffff)
#define EC_UNKNOWN		0x00
#define EC_WFX			0x01
#define EC_FP_TRAP		0x07
#define EC_ILLEGAL_STATE	0x0e
#define EC_SVC32		0x11
#define EC_SVC64		0x15
#define EC_SYS64		0x18
#define EC_SVE			0x19
#define EC_PAC			0x1c
#define EC_SME			0x1d
#define EC_IABT_LOW		0x20
#define EC_IABT_CUR		0x21
#define EC_PC_ALIGN		0x22
#define EC_DABT_LOW		0x24
#define EC_DABT_CUR		0x25
#define EC_SP_ALIGN		0x26
#define EC_FP32			0x28
#define EC_FP64			0x2c
#define EC_SERROR		0x2f
#define EC_BREAKPT_LOW		0x30
#define EC_BREAKPT_CUR		0x31
#define EC_STEP_LOW		0x32
#define EC_STEP_CUR		0x33
#define EC_WATCHPT_LOW		0x34
#define EC_WATCHPT_CUR		0x35
#define EC_BKPT32		0x38
#define EC_BRK64		0x3c
#define EC_BTI			0x0d

#define ESR_WNR			(1 << 6)
#define ESR_CM			(1 << 8)
#define ESR_FNV			(1 << 10)
#define ESR_FSC(esr)		((esr) & 0x3f)

/* SPSR / PSTATE */
#define PSTATE_N		(1UL << 31)
#define PSTATE_NZCV		0xf0000000UL
#define PSTATE_TCO		(1UL << 25)
#define PSTATE_DIT		(1UL << 24)
#define PSTATE_PAN		(1UL << 22)
#define PSTATE_SS		(1UL << 21)
#define PSTATE_IL		(1UL << 20)
#define PSTATE_SSBS		(1UL << 12)
#define PSTATE_BTYPE		(3UL << 10)
#define PSTATE_DAIF		0x3c0UL
#define PSTATE_I		0x080UL
#define PSTATE_AARCH32		0x010UL
#define PSTATE_MODE		0x00fUL
#define PSTATE_EL1H		0x005UL

#define MDSCR_SS		(1 << 0)
#define MDSCR_MDE		(1 << 15)

#endif
