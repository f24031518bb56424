/* SPDX-License-Identifier: MIT */
/*
 * What signal delivery writes on the user stack: struct rt_sigframe, struct ucontext and the
 * machine context, all laid out by the architecture. Handlers read and change these; unwinders,
 * garbage collectors and debuggers know them by heart.
 */
#pragma once

#include <uapi/signal.h>

#include <arch_impl/uapi_sigframe.h>
