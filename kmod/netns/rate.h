/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rates: when the next message of a policy may begin, and of each of its sources.
 * docs/rules.md X7.
 *
 * Messages of a rate of N are 1/N s apart. Whoever comes too early waits in line, and
 * is told when its turn has come. A policy's rate lives as long as its range has one,
 * a source's as long as it makes anybody wait.
 */
#ifndef _SMTP_RATE_H
#define _SMTP_RATE_H

#include <linux/list.h>
#include <linux/netfilter.h>
#include <linux/types.h>

struct smtp_rate;

/**
 * struct smtp_rate_wait - a connection's place in line, in one at a time
 * @node: in the line of @rate
 * @rate: what it waits for, or NULL
 * @per_second: what @rate is to be
 * @admitted: its turn has come, and was not taken yet
 */
struct smtp_rate_wait {
	struct list_head node;
	struct smtp_rate *rate;
	u32 per_second;
	bool admitted;
};

/**
 * struct smtp_rate_source - whom a source's rate is of
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
