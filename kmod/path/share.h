/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shares: how the memory for all connections is shared between their sources.
 * docs/rules.md H5.
 *
 * Bodies may take three quarters of memory_limit. The rest is for flow objects and for
 * commands. In each of these two classes a source may hold as much as is still free, and
 * a network twice that. So no source is refused memory while less than half is taken.
 * Where many want memory they get the same, and the next source finds some.
 *
 * When free memory runs short, sources that hold more than is free have to give memory
 * back, those that hold most first: smtp_shares_reclaim().
 */
#ifndef _SMTP_SHARE_H
#define _SMTP_SHARE_H

#include <linux/netfilter.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <net/netfilter/nf_conntrack.h>
#include "../core/base/host.h"

/**
 * struct smtp_share - memory that a source holds, or all sources of a network
 * @node: in the table of shares
 * @refs: a source's flows, or a network's sources
 * @net: the namespace
 * @address: the source's, or the network's prefix
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 * @prefix: bits of @address that count
 * @network: the source's network; NULL: this is a network
 * @held: octets, by enum smtp_memory
 * @told: when a refusal was last reported, jiffies
 * @lock: of @flows and @nr_flows
 * @nr_flows: number of @flows
 * @flows: a source's flows, the one first that was asked longest ago
 * @rcu: to free it
 */
struct smtp_share {
	struct hlist_node node;
	refcount_t refs;
	struct net *net;
	union nf_inet_addr address;
	u8 family;
	u8 prefix;
	struct smtp_share *network;
	atomic_long_t held[SMTP_MEMORY_CLASSES];
	unsigned long told;
	spinlock_t lock;	/* of flows and nr_flows */
	u32 nr_flows;
	struct list_head flows;
	struct rcu_head rcu;
};

struct smtp_share *smtp_share_get(const struct nf_conn *ct);
void smtp_share_put(struct smtp_share *share);
int smtp_share_take(struct smtp_share *source, enum smtp_memory class, u32 size,
		    struct smtp_share **greedy);
void smtp_share_give(struct smtp_share *source, enum smtp_memory class,
		     u32 size);
bool smtp_share_tell(struct smtp_share *share, enum smtp_memory class,
		     char words[SMTP_FIXUP_WORDS_MAX + 1]);
void smtp_share_join(struct smtp_share *source, struct list_head *flow);
void smtp_share_leave(struct smtp_share *source, struct list_head *flow);
void smtp_shares_init(bool (*ask)(struct list_head *flow, enum smtp_memory class,
				  long least));
void smtp_shares_exit(void);

/* An allocation of a body up to this size counts as one of commands. So each connection
 * goes on, if slowly, while other bodies take all the memory for bodies. It is room for
 * 60 dots (SMTP_MARKS_SIZE), or for all gaps.
 */
#define SMTP_SHARE_SMALL	1024

/* The class that an allocation counts in */
static inline enum smtp_memory smtp_share_class(enum smtp_memory what, u32 size)
{
	return what == SMTP_MEMORY_BODY && size <= SMTP_SHARE_SMALL ?
	       SMTP_MEMORY_COMMANDS : what;
}

#endif /* _SMTP_SHARE_H */
