// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kept packets. See kept.h.
 *
 * The copy is made in help(): NAT is done, sequence adjustment is not. It goes on
 * by the hook that it was in, POST_ROUTING or LOCAL_IN. There NAT finds nothing
 * left to change, help() judges it like any repetition, and conntrack adjusts it.
 *
 * A copy holds no reference to its connection, or neither would ever be freed,
 * and none to a device. Its route may die meanwhile: it is dropped then.
 */
#include <linux/bottom_half.h>
#include <linux/netdevice.h>
#include <net/dst.h>
#include <net/ip6_fib.h>
#include <net/route.h>
#include <net/netfilter/nf_conntrack.h>
#include "kept.h"

/* Of what a driver made of 64 KB. More is left to its sender. */
#define SMTP_KEPT_SIZE_MAX	(256 * 1024)

/* Does the packet end here, and not leave by a device? */
static bool smtp_kept_local(const struct sk_buff *skb)
{
	const struct dst_entry *dst = skb_dst(skb);

	if (!skb->dev)
		return false;
	if (skb->protocol == htons(ETH_P_IP))
		return skb_rtable(skb)->rt_flags & RTCF_LOCAL;
	return container_of(dst, struct rt6_info, dst)->rt6i_flags & RTF_LOCAL;
}

/* A bridge forwards without a route. What leaves by lo is judged there, and comes
 * in unjudged.
 */
static bool smtp_kept_possible(const struct sk_buff *skb)
{
	const struct dst_entry *dst = skb_dst(skb);

	return dst && !(dst->flags & DST_FAKE_RTABLE) &&
	       !(skb->dev->flags & IFF_LOOPBACK) &&
	       skb->truesize <= SMTP_KEPT_SIZE_MAX;
}

/* The last copy is the one to have: a receiver drops older timestamps (RFC 7323,
 * 5.3)
 */
static void smtp_kept_keep(struct smtp_ct_flow *flow, struct sk_buff *skb,
			   u32 end)
{
	struct sk_buff *copy;

	smtp_flow_drop_kept(flow);
	if (!smtp_kept_possible(skb) || !smtp_flow_charge(flow, skb->truesize))
		return;
	flow->kept_size = skb->truesize;
	copy = skb_clone(skb, GFP_ATOMIC | __GFP_NOWARN);
	if (!copy || !skb_dst_force(copy)) {
		kfree_skb(copy);
		smtp_flow_uncharge(flow, flow->kept_size);
		return;
	}
	nf_reset_ct(copy);
#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	skb_ext_del(copy, SKB_EXT_BRIDGE_NF);
#endif
	copy->dev = NULL;
	flow->kept = copy;
	flow->kept_end = end;
	flow->kept_reply = smtp_flow_waits(&flow->core);
}

/**
 * smtp_kept_judged() - keep a copy of a packet, or let the one that is kept go on
 * @flow: the flow, locked
 * @p: the packet, judged and not cut yet
 * @dir: where it comes from
 *
 * Return: a packet for smtp_kept_send(), without the lock; or NULL.
 */
struct sk_buff *smtp_kept_judged(struct smtp_ct_flow *flow,
				 const struct smtp_packet *p, enum smtp_dir dir)
{
	const struct smtp_flow *core = &flow->core;
	struct sk_buff *skb;

	if (dir == SMTP_CLIENT && smtp_flow_holds(core, &p->seg)) {
		/* Of a spliced packet what is cut off is gone already */
		if (!p->spliced || p->whole)
			smtp_kept_keep(flow, p->whole ?: p->skb,
				       p->seg.seq + p->seg.len);
		return NULL;
	}
	if (!flow->kept)
		return NULL;
	if (smtp_flow_over(core) ||
	    !smtp_seq_before(core->stream[SMTP_CLIENT].next, flow->kept_end)) {
		smtp_flow_drop_kept(flow);
		return NULL;
	}
	if (!smtp_flow_goes_on(core, flow->kept_reply))
		return NULL;
	skb = flow->kept;
	flow->kept = NULL;
	smtp_flow_uncharge(flow, flow->kept_size);
	smtp_rule_count(flow->rule, SMTP_FIXUP_CNT_SEGMENTS_RESUMED);
	return skb;
}

/* The device that it came in by; a packet of this machine has none */
static bool smtp_kept_dev(struct sk_buff *skb, struct net *net)
{
	if (!skb->skb_iif)
		return true;
	skb->dev = dev_get_by_index_rcu(net, skb->skb_iif);
	return skb->dev;
}

/**
 * smtp_kept_send() - have a copy go on, as if its sender had repeated it
 * @skb: the copy, from smtp_kept_judged()
 * @ct: its connection
 *
 * Called under RCU, in help() for a packet of the other direction, from where
 * nf_send_reset() and TEE send packets, too. What ends here goes by the device's
 * backlog: the other packet may be a socket's that is locked.
 */
void smtp_kept_send(struct sk_buff *skb, struct nf_conn *ct)
{
	struct net *net = nf_ct_net(ct);

	if (!smtp_kept_dev(skb, net)) {
		kfree_skb(skb);
		return;
	}
	nf_conntrack_get(&ct->ct_general);
	nf_ct_set(skb, ct, IP_CT_ESTABLISHED);
	if (smtp_kept_local(skb)) {
		local_bh_disable();
		netif_rx(skb);
		local_bh_enable();
	} else {
		dst_output(net, NULL, skb);
	}
}
