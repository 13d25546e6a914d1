/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rates: when the next message of a policy may begin, and of each of its sources.
 * docs/rules.md X7.
 *
 * With a rate of N, messages are 1/N s apart. A connection whose message comes too early
 * waits in line, and is told when its turn has come. The rate of a policy lives as long
 * as its range has one. The rate of a source lives as long as it makes a connection wait.
 */
#ifndef _SMTP_RATE_H
#define _SMTP_RATE_H

#include <linux/list.h>
#include <linux/netfilter.h>
#include <linux/types.h>

struct smtp_rate;

/**
 * struct smtp_rate_wait - a connection's place in line; in one line at a time
 * @node: in the line of @rate
 * @rate: what it waits for, or NULL
 * @per_second: messages a second of @rate
 * @admitted: its turn has come, and is not taken yet
 */
struct smtp_rate_wait {
	struct list_head node;
	struct smtp_rate *rate;
	u32 per_second;
	bool admitted;
};

/**
 * struct smtp_rate_source - a source, by its address
 * @address: the source's, as far as it counts
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 */
struct smtp_rate_source {
	union nf_inet_addr address;
	u8 family;
};

struct smtp_rate *smtp_rate_alloc(void);
struct smtp_rate *smtp_rate_get(struct smtp_rate *rate);
void smtp_rate_put(struct smtp_rate *rate);
bool smtp_rate_admits(struct smtp_rate *rate, const struct smtp_rate_source *source,
		      struct smtp_rate_wait *wait, u32 per_second, bool waits);
void smtp_rate_leave(struct smtp_rate_wait *wait);
int smtp_rates_init(void (*turn)(struct smtp_rate_wait *wait));
void smtp_rates_exit(void);

#endif /* _SMTP_RATE_H */
