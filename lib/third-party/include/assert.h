/* SPDX-License-Identifier: MIT */
/* Assertions of third-party code are for its own developers. */
#pragma once

#define assert(condition)	((void)0)
