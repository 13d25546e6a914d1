/* SPDX-License-Identifier: GPL-2.0-only */
/* Flow objects: the core's state of one connection, and their lifetime. */
#ifndef _SMTP_CT_FLOW_H
#define _SMTP_CT_FLOW_H

#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include "core/stream.h"
#include "ports.h"

/**
 * struct smtp_ct_flow - one connection
 * @core: what the core knows of it
 * @lock: held for every call into the core
 * @dead: taken from its conntrack; nothing passes by it any more
 * @ended_at: jiffies when the core ended it
 * @net: its namespace
 * @rule: what it is under, a reference
 * @skb: the packet being judged; only with @lock held, in smtp_flow_segment()
 * @node: in the list of all flows
 * @rcu: to free it, when it is no more
 */
struct smtp_ct_flow {
	struct smtp_flow core;
	spinlock_t lock;	/* of core and dead */
	bool dead;
	unsigned long ended_at;
	const struct net *net;
	struct smtp_rule *rule;
	const struct sk_buff *skb;
	union {
		struct hlist_node node;
		struct rcu_head rcu;
	};
};

int smtp_flows_init(void);
void smtp_flows_exit(void);
void smtp_flows_net_exit(const struct net *net);
struct smtp_ct_flow *smtp_ct_flow_alloc(const struct net *net,
					struct smtp_rule *rule,
					const u32 isn[2]);
void smtp_ct_flow_free(struct smtp_ct_flow *flow);

#endif /* _SMTP_CT_FLOW_H */
