/* SPDX-License-Identifier: GPL-2.0-only */
/* Flow objects: the core's state of one connection each, and their lifetime. */
#ifndef _SMTP_CT_FLOW_H
#define _SMTP_CT_FLOW_H

#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include "../core/observe.h"
#include "../netns/ports.h"
#include "packet.h"
#include "share.h"

/**
 * struct smtp_last_header - what the headers of a side said that have passed: sack.h
 * @ack: the last ACK
 * @stamps: the newest ones that came in order. A receiver drops what has older ones (RFC
 *	7323, 5.3)
 * @window: what came with @ack, as in the header
 */
struct smtp_last_header {
	u32 ack;
	struct smtp_stamps stamps;
	__be16 window;
};

/**
 * struct smtp_ct_flow - one connection
 * @core: the core's state
 * @lock: held for every call into the core
 * @dead: taken from its conntrack entry; the core must not use it any more
 * @resuming: a processor is sending kept packets, until nothing is @due
 * @due: bits by enum smtp_dir: a kept packet of that direction may go on
 * @tell: bits by enum smtp_dir: the list of that direction's kept packets has changed, and
 *	their sender may not know
 * @kept: packets that must wait, by enum smtp_dir, or NULL: kept.h
 * @last: by enum smtp_dir
 * @turn: its turn to begin a message: X7
 * @zone: of conntrack, which it is in
 * @ended_at: when the core ended it, the lower half of jiffies
 * @awaited: number of the command that a reply is awaited for, 0: none
 * @awaited_at: since when, as @ended_at; 0: it was reported
 * @ends: the connection, from the client to the server
 * @share: its source's memory, a reference: H5
 * @held: memory that the core has asked for, octets, by smtp_share_class()
 * @of_source: node in share->flows, until @dead
 * @rule: the rule it is under, a reference
 * @node: in the list of all flows
 * @rcu: to free it
 */
struct smtp_ct_flow {
	struct smtp_flow core;
	spinlock_t lock;	/* of core, dead and kept */
	bool dead;
	bool resuming;
	u8 due;
	u8 tell;
	struct smtp_held *kept[2];
	struct smtp_last_header last[2];
	u32 ended_at;
	u32 awaited;
	u32 awaited_at;
	struct nf_conntrack_zone zone;
	u32 held[SMTP_MEMORY_CLASSES];
	struct nf_conntrack_tuple ends;
	struct smtp_rate_wait turn;
	struct smtp_share *share;
	struct list_head of_source;
	struct smtp_rule *rule;
	union {
		struct hlist_node node;
		struct rcu_head rcu;
	};
};

/**
 * struct smtp_kept_packet - one packet of smtp_ct_flow.kept
 * @held: the core's part of it
 * @skb: a copy
 * @tcp: offset of its TCP header from skb->data
 * @data: offset of its payload
 */
struct smtp_kept_packet {
	struct smtp_held held;
	struct sk_buff *skb;
	u32 tcp;
	u32 data;
};

/**
 * struct smtp_ct_host - what a call of the core is about
 * @host: what the core knows of it
 * @flow: the connection
 * @skb: the packet, or NULL
 */
struct smtp_ct_host {
	struct smtp_host host;
	struct smtp_ct_flow *flow;
	const struct sk_buff *skb;
};

static inline const struct smtp_ct_host *smtp_ct_host(const struct smtp_host *host)
{
	return container_of(host, struct smtp_ct_host, host);
}

/* Has so much time passed since then? For times up to half of what 32 bits of jiffies
 * count
 */
static inline bool smtp_time_after(u32 then, u32 time)
{
	return (s32)((u32)jiffies - then - time) > 0;
}

/* Its namespace */
static inline struct net *smtp_flow_net(const struct smtp_ct_flow *flow)
{
	return flow->share->net;
}

int smtp_flows_init(void);
void smtp_flows_exit(void);
void smtp_flows_net_exit(const struct net *net);
struct smtp_ct_flow *smtp_ct_flow_alloc(const struct nf_conn *ct,
					struct smtp_rule *rule,
					const u32 isn[2]);
void smtp_ct_flow_free(struct smtp_ct_flow *flow);
bool smtp_flow_charge(struct smtp_ct_flow *flow, u32 size);
void smtp_flow_uncharge(struct smtp_ct_flow *flow, u32 size);
void smtp_flow_free_kept(struct smtp_ct_flow *flow, struct smtp_held *list);
bool smtp_flow_drop_kept(struct smtp_ct_flow *flow);

#endif /* _SMTP_CT_FLOW_H */
