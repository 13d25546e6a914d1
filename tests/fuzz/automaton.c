// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes tables of patterns (X9): whatever a table says, it is refused, or runs
 * within its bounds. The first two octets say how many of the others are the
 * table; what follows it is the value.
 */
#include <stdint.h>
#include <stdlib.h>

#include "../../kmod/core/match/automaton.h"
#include "main.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smtp_automaton a;
	void *memory;
	u16 state;
	size_t n;

	if (size < 2)
		return 0;
	n = data[0] | data[1] << 8;
	if (n > size - 2)
		n = size - 2;
	if (smtp_automaton_measure(&a, data + 2, n))
		return 0;
	memory = malloc(smtp_automaton_size(&a));
	if (!smtp_automaton_unpack(&a, data + 2, n, memory, 5)) {
		state = smtp_automaton_run(&a, 0, data + 2 + n, size - 2 - n);
		if (state >= a.nr_states || a.verdict[state] > 5)
			abort();
	}
	free(memory);
	return 0;
}
