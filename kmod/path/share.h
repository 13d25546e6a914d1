/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shares: the memory of all connections together, and whose it is. docs/rules.md H5.
 *
 * Bodies have a part of memory_limit: the rest is for flow objects and for
 * commands. Of each of the two a source may hold no more than is left free, and
 * a network twice that. So nobody is refused anything while less than half is
 * taken; where many want memory they have alike, and something is left for
 * whoever comes next. When what is left runs short, those that hold more than
 * that give back, the greediest first: see smtp_shares_reclaim().
 */
#ifndef _SMTP_SHARE_H
#define _SMTP_SHARE_H

#include <linux/netfilter.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <net/netfilter/nf_conntrack.h>
#include "../core/base/host.h"

/**
 * struct smtp_share - what one source holds, or the sources of one network
 * @node: in the table of shares
 * @refs: a source's flows, or a network's sources
 * @net: the namespace
 * @address: the source's, or what the network's begin with
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 * @prefix: bits of @address that count
 * @network: what a source is of; NULL: this is one
 * @held: octets, by enum smtp_memory
 * @told: when somebody was told that this was refused memory, jiffies
 * @lock: of @flows and @nr_flows
 * @nr_flows: how many
 * @flows: a source's, those first that were looked at longest ago
 * @rcu: to free it
 */
struct smtp_share {
	struct hlist_node node;
	refcount_t refs;
	const struct net *net;
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

/* Every connection may have so much for a body whatever others do, so that each
 * goes on, if slowly: room for 60 dots (SMTP_MARKS_SIZE), or for all gaps
 */
#define SMTP_SHARE_SMALL	1024

/* What an allocation counts as */
static inline enum smtp_memory smtp_share_class(enum smtp_memory what, u32 size)
{
	return what == SMTP_MEMORY_BODY && size <= SMTP_SHARE_SMALL ?
	       SMTP_MEMORY_COMMANDS : what;
}

#endif /* _SMTP_SHARE_H */
