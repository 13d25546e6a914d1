/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User space host of the pure core, for the unit tests, the simulator and the
 * fuzzer: malloc with accounting and injected failures, counters in an array.
 */
#ifndef _TESTS_HOST_H
#define _TESTS_HOST_H

#include "../kmod/core/policy/events.h"
#include "../kmod/core/observe.h"

/**
 * struct host_call - whose memory a call of the core takes
 * @host: what the core knows of it
 * @flow: the flow
 */
struct host_call {
	struct smtp_host host;
	const struct smtp_flow *flow;
};

#define HOST_OF(of)	(&((struct host_call) { .flow = (of) }).host)

/**
 * struct host - the surroundings of the flows under test; one per process
 * @bytes: allocated and not given back
 * @blocks: allocations not given back
 * @held: @bytes by enum smtp_memory
 * @peak: largest @bytes since host_reset()
 * @allocs: calls of smtp_host_alloc()
 * @limit: smtp_host_alloc() fails where @bytes would exceed it, 0: no limit
 * @fail: called when set; true makes this allocation fail
 * @fail_arg: for @fail
 * @admits: called when set: may a message begin now? Otherwise it may: X7
 * @admits_arg: for @admits
 * @error: what the core did wrong with its memory, or NULL
 * @counters: by enum smtp_fixup_counter, all flows together
 * @events: by enum smtp_fixup_event, all flows together
 * @words: of the last event of each
 */
struct host {
	u64 bytes;
	u32 blocks;
	u64 held[SMTP_MEMORY_CLASSES];
	u64 peak;
	u64 allocs;
	u64 limit;
	bool (*fail)(void *arg);
	void *fail_arg;
	bool (*admits)(void *arg, enum smtp_fixup_limit limit);
	void *admits_arg;
	const char *error;
	u64 counters[__SMTP_FIXUP_CNT_MAX];
	u64 events[__SMTP_FIXUP_EVENT_MAX];
	char words[__SMTP_FIXUP_EVENT_MAX][SMTP_FIXUP_WORDS_MAX + 1];
};

extern struct host host;

/**
 * host_events() - how many events of a rule there were
 * @rule: the rule's id
 *
 * Return: the number of events.
 */
u64 host_events(const char *rule);

/**
 * host_reset() - forget counters and settings; memory still out is a leak
 *
 * Return: whether nothing was leaked.
 */
bool host_reset(void);

#endif /* _TESTS_HOST_H */
