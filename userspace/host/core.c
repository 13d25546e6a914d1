// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the core calls (kmod/core/host.h). A file of its own: tests that bring
 * their own host link the rest of the tool without it.
 */
#include <stdlib.h>

#include "host/host.h"

static u64 memory;

void *smtp_host_alloc(struct smtp_flow *flow, enum smtp_memory what, u32 size)
{
	void *p;

	(void)flow;
	(void)what;
	if (memory + size > (u64)HOST_MEMORY_MIB << 20)
		return NULL;
	p = malloc(size);
	if (p)
		memory += size;
	return p;
}

void smtp_host_free(struct smtp_flow *flow, enum smtp_memory what, void *p,
		    u32 size)
{
	(void)flow;
	(void)what;
	if (!p)
		return;
	free(p);
	memory -= size;
}

static const struct host_flow *flow_of(const struct smtp_flow *flow)
{
	return container_of(flow, struct host_flow, core);
}

void smtp_host_count(const struct smtp_flow *flow,
		     enum smtp_fixup_counter counter, u32 n)
{
	flow_of(flow)->rule->counters[counter] += n;
}

void smtp_host_event(const struct smtp_flow *flow, enum smtp_fixup_event event,
		     const char *words)
{
	host_tell(flow_of(flow), event, words);
}
