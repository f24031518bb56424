/* SPDX-License-Identifier: MIT */
/*
 * floor - how few guest instructions a system call round trip can take.
 * Boots through the PVH note (qemu -kernel), builds an identity map usable from
 * ring 3, and times 100000 `syscall`s from ring 3 for three entry paths:
 *   A  bare      swapgs; swapgs; sysret
 *   B  minimal   stack switch, save the registers the ABI preserves, table call,
 *                getppid-like body, restore
 *   C  full      complete register frame (as fork/ptrace/signals need) and an
 *                exit-work test, same body
 *   M  memcpy    64 KiB in kernel with rep movsq; S: with 16-byte SSE moves
 *   P  page clear: 4 KiB with rep stosq
 *   h, l  cycle counter at the first kernel instruction: what the firmware cost
 * Under -icount shift=0 the printed differences are instructions. README.md says how to run it.
 */
	.section .note.pvh, "a", @note
	.long 4, 4, 18
	.asciz "Xen"
	.long start32
	.code32
	.text
	.globl start32
start32:
	cli
	rdtsc
	mov %eax, born
	mov %edx, born + 4
	mov $stack_top, %esp
	/* identity map 1 GiB with 2 MiB user pages */
	mov $pdpt + 7, %eax
	mov %eax, pml4
	mov $pd + 7, %eax
	mov %eax, pdpt
	mov $pd, %edi
	mov $0x87, %eax
	mov $512, %ecx
1:	mov %eax, (%edi)
	movl $0, 4(%edi)
	add $0x200000, %eax
	add $8, %edi
	loop 1b
	mov $pml4, %eax
	mov %eax, %cr3
	mov %cr4, %eax
	or $0x620, %eax		/* PAE | OSFXSR | OSXMMEXCPT */
	mov %eax, %cr4
	mov $0xc0000080, %ecx
	rdmsr
	or $0x101, %eax		/* LME | SCE */
	wrmsr
	mov $0x80000001, %eax
	mov %eax, %cr0		/* PG | PE */
	lgdt gdtr
	ljmp $8, $start64
	.code64
start64:
	xor %eax, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov $stack_top, %rsp
	/* MSRs: STAR, FMASK, KERNEL_GS_BASE */
	mov $0xc0000081, %ecx
	xor %eax, %eax
	mov $0x00100008, %edx	/* sysret base 0x10 -> cs 0x23, ss 0x1b; kernel 8 */
	wrmsr
	mov $0xc0000084, %ecx
	mov $0x200, %eax
	xor %edx, %edx
	wrmsr
	mov $0xc0000102, %ecx
	mov $percpu, %eax
	xor %edx, %edx
	wrmsr
	movq $kstack_top, percpu
	movq $task, percpu + 16
	mov $ENTRY, %eax
	xor %edx, %edx
	mov $0xc0000082, %ecx	/* LSTAR */
	wrmsr
	mov $0xff, %al		/* no interrupts from the old controllers */
	out %al, $0x21
	out %al, $0xa1
	mov $user, %ecx
	mov $0x3002, %r11	/* I/O privilege, so that ring 3 can report */
	mov $ustack_top, %esp
	sysretq
user:
	mov born + 4, %eax
	mov $'h', %r15
	call show
	mov born, %eax
	mov $'l', %r15
	call show
	rdtsc
	mov %eax, %r14d
	mov $100000, %r13d
3:	mov $110, %eax
	syscall
	dec %r13d
	jnz 3b
	rdtsc
	sub %r14d, %eax
	mov $'E', %r15
	call show
	/* memcpy */
	rdtsc
	mov %eax, %ebx
	mov $0x800000, %edi
	mov $0x900000, %esi
	mov $8192, %ecx
	rep movsq
	rdtsc
	sub %ebx, %eax
	mov $'M', %r15
	call show
	rdtsc
	mov %eax, %ebx
	mov $0x800000, %edi
	mov $0x900000, %esi
	mov $1024, %ecx
2:	movups (%rsi), %xmm0
	movups 16(%rsi), %xmm1
	movups 32(%rsi), %xmm2
	movups 48(%rsi), %xmm3
	movups %xmm0, (%rdi)
	movups %xmm1, 16(%rdi)
	movups %xmm2, 32(%rdi)
	movups %xmm3, 48(%rdi)
	add $64, %rsi
	add $64, %rdi
	dec %ecx
	jnz 2b
	rdtsc
	sub %ebx, %eax
	mov $'S', %r15
	call show
	rdtsc
	mov %eax, %ebx
	mov $0x800000, %edi
	mov $512, %ecx
	xor %eax, %eax
	rep stosq
	rdtsc
	sub %ebx, %eax
	mov $'P', %r15
	call show
	mov $0x604, %dx
	mov $0x2000, %ax
	outw %ax, %dx		/* ACPI power off (q35/pc) */
	hlt

entryA:
	swapgs
	swapgs
	sysretq

entryB:
	swapgs
	mov %rsp, %gs:8
	mov %gs:0, %rsp
	push %gs:8
	push %r11
	push %rcx
	push %rdi
	push %rsi
	push %rdx
	push %r8
	push %r9
	push %r10
	mov %r10, %rcx
	cmp $512, %eax
	jae 9f
	call *table(,%rax,8)
9:	pop %r10
	pop %r9
	pop %r8
	pop %rdx
	pop %rsi
	pop %rdi
	pop %rcx
	pop %r11
	pop %rsp
	swapgs
	sysretq

entryC:
	swapgs
	mov %rsp, %gs:8
	mov %gs:0, %rsp
	push $0x1b
	push %gs:8
	push %r11
	push $0x23
	push %rcx
	push %rax
	push %rdi
	push %rsi
	push %rdx
	push %rcx
	push $-38
	push %r8
	push %r9
	push %r10
	push %r11
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	sti
	mov %r10, %rcx
	cmp $512, %eax
	jae 9f
	call *table(,%rax,8)
	mov %rax, 80(%rsp)
9:	cli
	mov %gs:16, %rdx
	testl $0xff, 32(%rdx)	/* signals, reschedule, tracing */
	jnz bad
	mov 128(%rsp), %rcx	/* return address canonical? */
	sar $47, %rcx
	jnz bad
	add $48, %rsp		/* callee-saved registers are intact */
	pop %r10		/* slot of r11 */
	pop %r10
	pop %r9
	pop %r8
	pop %rax
	pop %rdx		/* slot of rcx */
	pop %rdx
	pop %rsi
	pop %rdi
	mov 8(%rsp), %rcx
	mov 24(%rsp), %r11
	mov 32(%rsp), %rsp
	swapgs
	sysretq
bad:	hlt

getppid:
	mov %gs:16, %rax
	mov 8(%rax), %rax
	mov 16(%rax), %eax
	ret

/* print r15 as a letter and eax in hex on COM1 */
show:
	push %rbx
	mov %eax, %ebx
	mov $0x3f8, %dx
	mov %r15b, %al
	out %al, %dx
	mov $' ', %al
	out %al, %dx
	mov $8, %ecx
4:	rol $4, %ebx
	mov %ebx, %eax
	and $15, %eax
	mov hex(%rax), %al
	out %al, %dx
	loop 4b
	mov $'\n', %al
	out %al, %dx
	pop %rbx
	ret

	.data
born:	.quad 0
	.balign 16
hex:	.ascii "0123456789abcdef"
gdt:	.quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cff3000000ffff, 0x00affb000000ffff
gdt_end:
gdtr:	.word gdt_end - gdt - 1
	.long gdt
	.long 0
task:	.quad 0, task, 0, 0, 0
table:	.rept 512
	.quad getppid
	.endr
percpu:	.quad 0, 0, 0
	.bss
	.balign 4096
pml4:	.skip 4096
pdpt:	.skip 4096
pd:	.skip 4096
stack:	.skip 4096
stack_top:
kstack:	.skip 4096
kstack_top:
ustack:	.skip 4096
ustack_top:
