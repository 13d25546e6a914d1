// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes the worlds of the simulator (tests/sim), by its own rules: servers that split
 * lines, swallow or refuse bodies and chunks, answer twice or not at all; spoofers on
 * either side, SYN/ACKs out of nowhere; networks that lose, repeat and reorder. The
 * input is what is chosen, an octet for each random number, until it ends.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../sim/sim.h"
#include "main.h"

static bool passes(struct sim *sim, const struct diet *diet, const uint8_t *data,
		   size_t size, bool trace)
{
	choices.next = data;
	choices.end = data + size;
	return sim_run(sim, size, diet, trace);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct diet diet;
	static struct sim sim;

	if (passes(&sim, &diet, data, size, false))
		return 0;
	passes(&sim, &diet, data, size, true);
	plan_print(&sim.plan, &diet);
	printf("=> %s\n", sim.error);
	fflush(stdout);
	abort();
}
