/* SPDX-License-Identifier: MIT */
/*
 * What every fuzz target defines: one input, any bytes; a crash or a sanitizer report is the
 * finding.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <lib/types.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif
