/* SPDX-License-Identifier: MIT */
/*
 * Tests of the ELF checks: a good image, then one field wrong at a time, then random bytes.
 */
#include <lib/elf.h>
#include <lib/err.h>
#include <lib/ktest.h>
#include <lib/minmax.h>
#include <uapi/elf.h>

#define FILE_SIZE	0x5000

struct program {
	struct elf64_hdr h;
	struct elf64_phdr p[4];
};

static const struct elf_rules rules = {
	.machine = EM_X86_64, .page_size = 4096, .user_end = 0x7ffffffff000,
};

static struct program good_program(void)
{
	return (struct program){
		.h = {
			.e_ident = { ELFMAG0, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_DYN, .e_machine = EM_X86_64, .e_entry = 0x1234,
			.e_phoff = 64, .e_phentsize = 56, .e_phnum = 4,
		},
		.p = {
			{ .p_type = PT_INTERP, .p_offset = 0x300, .p_filesz = 20 },
			{ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_filesz = 0x1800,
			  .p_memsz = 0x1800, .p_align = 4096 },
			{ .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = 0x1800,
			  .p_vaddr = 0x2800, .p_filesz = 0x100, .p_memsz = 0x2000,
			  .p_align = 0x10000 },
			{ .p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W },
		},
	};
}

static int check(const struct program *prog, struct elf_image *img)
{
	int err = elf_check_header(prog, sizeof(prog->h), FILE_SIZE, &rules, img);

	return err ? err : elf_check_segments(prog->p, &rules, img);
}

KTEST(elf, accepts_a_program)
{
	struct program prog = good_program();
	struct elf_segment seg;
	struct elf_image img;
	unsigned int i = 0;

	KASSERT_EQ(check(&prog, &img), 0);
	KEXPECT_EQ(img.loads, 2);
	KEXPECT_EQ(img.start, 0);
	KEXPECT_EQ(img.end, 0x5000);
	KEXPECT_EQ(img.align, 0x10000);
	KEXPECT_EQ(img.interp_off, 0x300);
	KEXPECT_EQ(img.interp_len, 20);
	KEXPECT_EQ(img.phdr_addr, 64);
	KEXPECT_TRUE(img.has_stack && img.stack_flags == (PF_R | PF_W));
	KEXPECT_TRUE(elf_load_segment(&img, prog.p, &i, &seg));
	KEXPECT_EQ(seg.flags, PF_R | PF_X);
	KEXPECT_TRUE(elf_load_segment(&img, prog.p, &i, &seg));
	KEXPECT_EQ(seg.vaddr, 0x2800);
	KEXPECT_EQ(seg.mem_size, 0x2000);
	KEXPECT_FALSE(elf_load_segment(&img, prog.p, &i, &seg));
}

#define EXPECT_REFUSED(field, value)					\
do {									\
	struct program bad = good_program();				\
	struct elf_image bad_img;					\
									\
	bad.field = (value);						\
	KEXPECT_EQ(check(&bad, &bad_img), -ENOEXEC);			\
} while (0)

KTEST(elf, refuses_each_wrong_field)
{
	EXPECT_REFUSED(h.e_ident[0], 0);
	EXPECT_REFUSED(h.e_ident[EI_CLASS], ELFCLASS32);
	EXPECT_REFUSED(h.e_ident[EI_DATA], ELFDATA2MSB);
	EXPECT_REFUSED(h.e_type, ET_CORE);
	EXPECT_REFUSED(h.e_machine, EM_AARCH64);
	EXPECT_REFUSED(h.e_phentsize, 32);
	EXPECT_REFUSED(h.e_phnum, 0);
	EXPECT_REFUSED(h.e_phnum, 0xffff);
	EXPECT_REFUSED(h.e_phoff, FILE_SIZE - 100);
	EXPECT_REFUSED(h.e_phoff, UINT64_MAX - 10);
	EXPECT_REFUSED(p[0].p_filesz, 1);
	EXPECT_REFUSED(p[0].p_filesz, 5000);
	EXPECT_REFUSED(p[0].p_offset, UINT64_MAX);
	EXPECT_REFUSED(p[1].p_filesz, 0x1801);
	EXPECT_REFUSED(p[1].p_align, 3);
	EXPECT_REFUSED(p[1].p_align, UINT64_C(1) << 63);
	EXPECT_REFUSED(p[1].p_memsz, 0x2801);
	EXPECT_REFUSED(p[1].p_memsz, UINT64_MAX);
	EXPECT_REFUSED(p[2].p_vaddr, 0x2900);
	EXPECT_REFUSED(p[2].p_vaddr, 0x800);
	EXPECT_REFUSED(p[2].p_vaddr, UINT64_MAX - 0x7ff);
	EXPECT_REFUSED(p[2].p_vaddr, 0x7fffffffe800);
	EXPECT_REFUSED(p[2].p_offset, FILE_SIZE - 0x800 + 0x1000);
}

KTEST(elf, random_bytes_keep_the_promises)
{
	uint64_t seed = 8;

	for (int step = 0; step < 20000; step++) {
		struct program prog = good_program();
		struct elf_segment seg;
		struct elf_image img;
		unsigned int i = 0;

		for (int n = 0; n < 3; n++)
			((uint8_t *)&prog)[16 + ktest_random(&seed) % (sizeof(prog) - 16)] =
				(uint8_t)ktest_random(&seed);
		prog.h.e_phnum = min(prog.h.e_phnum, 4);
		if (check(&prog, &img))
			continue;
		KEXPECT_LE(img.end, rules.user_end);
		while (elf_load_segment(&img, prog.p, &i, &seg)) {
			KEXPECT_TRUE(seg.vaddr >= img.start && seg.mem_size <= img.end - seg.vaddr);
			KEXPECT_TRUE(range_within(seg.file_off, seg.file_size, FILE_SIZE));
			KEXPECT_EQ((seg.vaddr ^ seg.file_off) % 4096, 0);
		}
	}
}
