/* SPDX-License-Identifier: GPL-2.0-only */
/* What libFuzzer calls, and offers: there is no header of its own. */
#ifndef _TESTS_REPLAY_LIBFUZZER_H
#define _TESTS_REPLAY_LIBFUZZER_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
			       unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size,
				 const uint8_t *two, size_t two_size,
				 uint8_t *out, size_t max, unsigned int seed);

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

#endif /* _TESTS_REPLAY_LIBFUZZER_H */
