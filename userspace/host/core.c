// SPDX-License-Identifier: GPL-2.0-only
/*
 * The functions that the core calls (kmod/core/base/host.h). Tests with a host of their
 * own link the tool without this file.
 */
#include <stdlib.h>

#include "host/host.h"

static u64 memory;

void *smtp_host_alloc(struct smtp_host *host, enum smtp_memory what, u32 size)
{
	void *p;

	(void)host;
	(void)what;
	if (memory + size > (u64)HOST_MEMORY_MIB << 20)
		return NULL;
	p = malloc(size);
	if (p)
		memory += size;
	return p;
}

void smtp_host_free(struct smtp_host *host, enum smtp_memory what, void *p,
		    u32 size)
{
	(void)host;
	(void)what;
	if (!p)
		return;
	free(p);
	memory -= size;
}

static const struct host_call *call_of(const struct smtp_host *host)
{
	return container_of(host, struct host_call, host);
}

void smtp_host_count(struct smtp_host *host, enum smtp_fixup_counter counter,
		     u32 n)
{
	call_of(host)->flow->rule->counters[counter] += n;
}

bool smtp_host_admits(struct smtp_host *host, enum smtp_fixup_limit limit)
{
	return host_admits(call_of(host)->flow, limit);
}

void smtp_host_event(struct smtp_host *host, enum smtp_fixup_event event,
		     const char *words)
{
	host_tell(call_of(host)->flow, event, words);
}
