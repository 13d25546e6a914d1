// SPDX-License-Identifier: GPL-2.0-only
/* User space host of the pure core. See host.h. */
#include <stdlib.h>

#include "host.h"

#define HOST_MAGIC	0x686f7374u

/* In front of every block, so that another size, flow or class is noticed */
struct host_block {
	u32 magic;
	u32 size;
	const struct smtp_flow *flow;
	u64 what;
	u64 pad;
};

struct host host;

void *smtp_host_alloc(struct smtp_host *from, enum smtp_memory what, u32 size)
{
	struct host_block *b;

	host.allocs++;
	if (!size || size > SMTP_HOST_ALLOC_MAX)
		host.error = "allocation of a size outside of the contract";
	if (host.fail && host.fail(host.fail_arg))
		return NULL;
	if (host.limit && host.bytes + size > host.limit)
		return NULL;
	b = malloc(sizeof(*b) + size);
	if (!b)
		return NULL;
	b->magic = HOST_MAGIC;
	b->size = size;
	b->flow = container_of(from, struct host_call, host)->flow;
	b->what = what;
	host.held[what] += size;
	/* Not cleared, and nothing may depend on what it holds */
	memset(b + 1, 0xa5, size);
	host.bytes += size;
	host.blocks++;
	if (host.bytes > host.peak)
		host.peak = host.bytes;
	return b + 1;
}

void smtp_host_free(struct smtp_host *from, enum smtp_memory what, void *p,
		    u32 size)
{
	struct host_block *b = p;

	if (!p)
		return;
	b--;
	if (b->magic != HOST_MAGIC || b->size != size)
		host.error = "memory given back with another size";
	if (b->flow != container_of(from, struct host_call, host)->flow || b->what != what)
		host.error = "memory given back as another flow's, or another class";
	size = b->size;
	host.held[b->what] -= size;
	b->magic = 0;
	host.bytes -= size;
	host.blocks--;
	free(b);
}

void smtp_host_count(struct smtp_host *from,
		     enum smtp_fixup_counter counter, u32 n)
{
	(void)from;
	if ((unsigned int)counter >= __SMTP_FIXUP_CNT_MAX) {
		host.error = "a counter that does not exist";
		return;
	}
	host.counters[counter] += n;
}

bool smtp_host_admits(struct smtp_host *from, enum smtp_fixup_limit limit)
{
	const struct smtp_flow *flow = container_of(from, struct host_call, host)->flow;

	if (!smtp_limit_is_rate(limit) || !flow->policy->limits[limit].action)
		host.error = "a rate that the policy does not have";
	return !host.admits || host.admits(host.admits_arg, limit);
}

void smtp_host_event(struct smtp_host *from, enum smtp_fixup_event event,
		     const char *words)
{
	size_t i;

	(void)from;
	if ((unsigned int)event >= __SMTP_FIXUP_EVENT_MAX) {
		host.error = "an event that does not exist";
		return;
	}
	host.events[event]++;
	for (i = 0; words[i] && i < SMTP_FIXUP_WORDS_MAX; i++)
		if (words[i] < ' ' || words[i] > '~')
			host.error = "an event whose words are not clean";
	if (words[i])
		host.error = "an event of too many words";
	memcpy(host.words[event], words, i);
	host.words[event][i] = '\0';
}

u64 host_events(const char *rule)
{
	u64 n = 0;
	int i;

	for (i = 0; i < __SMTP_FIXUP_EVENT_MAX; i++)
		if (!strcmp(smtp_events[i].rule, rule))
			n += host.events[i];
	return n;
}

bool host_reset(void)
{
	bool clean = !host.bytes && !host.blocks;

	memset(&host, 0, sizeof(host));
	return clean;
}
