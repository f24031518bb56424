/* SPDX-License-Identifier: MIT */
/*
 * Where signal handlers return to. Unwinders know it by these two instructions, or follow the frame
 * record {fp, lr} that x29 points to.
 */
	.text
	/*
	 * An unwinder looks up the return address less one: the NOP keeps that within the function.
	 */
	.cfi_startproc
	.cfi_signal_frame
	.cfi_def_cfa x29, 0
	.cfi_offset x29, 0
	.cfi_offset x30, 8
	nop
	.globl	__kernel_rt_sigreturn
	.type	__kernel_rt_sigreturn, %function
__kernel_rt_sigreturn:
	mov	x8, #139
	svc	#0
	.cfi_endproc
	.size	__kernel_rt_sigreturn, . - __kernel_rt_sigreturn
