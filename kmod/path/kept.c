// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kept packets. See kept.h.
 *
 * The copy is made in help(): NAT is done, sequence adjustment is not. It is sent through
 * the hook that the packet was in, POST_ROUTING or LOCAL_IN. There NAT finds nothing left
 * to change, help() judges the copy like any retransmission, and conntrack adjusts it.
 *
 * A copy holds no reference to its connection, or neither would ever be freed, and none
 * to a device. If its route dies meanwhile, the copy is dropped.
 */
#include <linux/bottom_half.h>
#include <linux/netdevice.h>
#include <net/dst.h>
#include <net/ip6_fib.h>
#include <net/route.h>
#include <net/netfilter/nf_conntrack.h>
#include "kept.h"
#include "sack.h"

/* Enough for 64 KB of payload as any driver stores them. Larger packets are not copied:
 * their sender retransmits them.
 */
#define SMTP_KEPT_SIZE_MAX	(256 * 1024)

/* Is the packet for this machine? */
static bool smtp_kept_local(const struct sk_buff *skb)
{
	const struct dst_entry *dst = skb_dst(skb);

	if (!skb->dev)
		return false;
	if (skb->protocol == htons(ETH_P_IP))
		return skb_rtable(skb)->rt_flags & RTCF_LOCAL;
	return container_of(dst, struct rt6_info, dst)->rt6i_flags & RTF_LOCAL;
}

/* Not without a route, as on a bridge. Not on loopback, where packets are judged as they
 * leave and not as they come in.
 */
static bool smtp_kept_possible(const struct sk_buff *skb)
{
	const struct dst_entry *dst = skb_dst(skb);

	return dst && !(dst->flags & DST_FAKE_RTABLE) &&
	       !(skb->dev->flags & IFF_LOOPBACK) &&
	       skb->truesize <= SMTP_KEPT_SIZE_MAX;
}

/* A copy of the packet that nothing else will change, or NULL */
static struct sk_buff *smtp_kept_copy(struct sk_buff *skb)
{
	struct sk_buff *copy = skb_clone(skb, GFP_ATOMIC | __GFP_NOWARN);

	if (!copy || !skb_dst_force(copy)) {
		kfree_skb(copy);
		return NULL;
	}
	nf_reset_ct(copy);
#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	skb_ext_del(copy, SKB_EXT_BRIDGE_NF);
#endif
	copy->dev = NULL;
	return copy;
}

static void smtp_kept_keep(struct smtp_ct_flow *flow, struct sk_buff *skb,
			   enum smtp_dir dir, struct smtp_packet *p,
			   enum smtp_holds what)
{
	struct smtp_segment *seg = &p->seg;
	u32 size = skb->truesize + sizeof(struct smtp_kept_packet);
	struct smtp_kept_packet *kept;

	if (!smtp_kept_possible(skb) || !smtp_flow_charge(flow, size))
		return;
	kept = kmalloc(sizeof(*kept), GFP_ATOMIC | __GFP_NOWARN);
	if (kept)
		kept->skb = smtp_kept_copy(skb);
	if (!kept || !kept->skb) {
		kfree(kept);
		smtp_flow_uncharge(flow, size);
		return;
	}
	kept->held.seq = seg->seq;
	kept->held.end = seg->seq + seg->len;
	kept->held.left = seg->seq + seg->pass;
	kept->held.size = size;
	kept->held.what = what;
	kept->held.line = what == SMTP_HOLDS_ORDER ? smtp_segment_line(seg) : 0;
	smtp_packet_read_end(p);
	kept->tcp = p->tcp;
	kept->data = p->data;
	smtp_flow_free_kept(flow, smtp_held_add(&flow->kept[dir], &kept->held,
						smtp_stream_left(&flow->core.stream[dir])));
}

/* Makes one packet of the @n octets from @next on, of the last one that ends there or before
 * it, which has their sender's newest ACK and window. Takes it and those before it off the
 * list. NULL: no memory.
 */
static struct smtp_kept_packet *smtp_kept_join(struct smtp_ct_flow *flow,
					       struct smtp_held **list, u32 next, u32 n)
{
	u8 *bytes = kmalloc(n, GFP_ATOMIC | __GFP_NOWARN);
	struct smtp_kept_packet *joined = NULL;
	int err = bytes ? 0 : -ENOMEM;
	u32 at = next, end = next + n;
	struct smtp_packet p;

	while (at != end) {
		struct smtp_kept_packet *kept;
		u32 from = at;

		kept = container_of(*list, struct smtp_kept_packet, held);
		at = smtp_seq_min(kept->held.end, end);
		if (!err)
			err = skb_copy_bits(kept->skb, kept->data + (from - kept->held.seq),
					    bytes + (from - next), at - from);
		if (at != kept->held.end)
			break;
		if (joined)
			smtp_flow_free_kept(flow, &joined->held);
		smtp_held_take(list);
		joined = kept;
	}
	if (!err && !smtp_packet_init(&p, joined->skb, joined->tcp))
		err = -EINVAL;
	if (!err)
		err = smtp_packet_replace(&p, next, bytes, n);
	kfree(bytes);
	if (!err)
		return joined;
	smtp_flow_free_kept(flow, &joined->held);
	return NULL;
}

/* Takes the next packet that may go on off its direction's list, or returns NULL */
static struct smtp_kept_packet *smtp_kept_next(struct smtp_ct_flow *flow,
					       enum smtp_dir dir)
{
	struct smtp_held **list = &flow->kept[dir], *held;
	const struct smtp_flow *core = &flow->core;
	const struct smtp_stream *st = &core->stream[dir];
	u32 line;

	if (smtp_flow_over(core))
		smtp_flow_drop_kept(flow);
	while ((held = smtp_held_passed(list, smtp_stream_left(st), st->acked)))
		smtp_flow_free_kept(flow, held);
	held = *list;
	if (!held)
		return NULL;
	line = smtp_held_line(held, st->next);
	if (line)
		return smtp_kept_join(flow, list, st->next, line);
	if (!smtp_flow_goes_on(core, dir, held))
		return NULL;
	return container_of(smtp_held_take(list), struct smtp_kept_packet, held);
}

/**
 * smtp_kept_judged() - keep a copy of a packet, if some of it must wait
 * @flow: the flow, locked
 * @p: the packet, judged and not cut yet
 * @dir: where it comes from
 * @verdict: on it
 *
 * Return: whether a kept packet may go on now, or its sender is to be told. Then call
 * smtp_kept_resume(), without the lock.
 */
bool smtp_kept_judged(struct smtp_ct_flow *flow, struct smtp_packet *p,
		      enum smtp_dir dir, enum smtp_verdict verdict)
{
	enum smtp_holds what = SMTP_HOLDS_NOTHING;

	if (p->seg.len && (verdict != SMTP_PASS || p->seg.pass < p->seg.len))
		what = smtp_flow_holds(&flow->core, dir, &p->seg);
	/* The cut part of a spliced packet is gone already */
	if (what != SMTP_HOLDS_NOTHING && (!p->spliced || p->whole))
		smtp_kept_keep(flow, p->whole ?: p->skb, dir, p, what);
	/* A packet of this direction would overtake this one, so it goes on with the next
	 * packet of the other direction. Only a line that is whole now does not wait for
	 * that.
	 */
	if (flow->kept[!dir])
		flow->due |= 1 << !dir;
	if (what == SMTP_HOLDS_LINE || (what == SMTP_HOLDS_ORDER &&
					flow->kept[dir] &&
					flow->kept[dir]->what == SMTP_HOLDS_LINE))
		flow->due |= 1 << dir;
	if (what == SMTP_HOLDS_ORDER)
		flow->tell |= 1 << dir;
	return (flow->due || flow->tell) && !flow->resuming;
}

/* Sets the device that the packet came in by; a packet of this machine has none */
static bool smtp_kept_dev(struct sk_buff *skb, struct net *net)
{
	if (!skb->skb_iif)
		return true;
	skb->dev = dev_get_by_index_rcu(net, skb->skb_iif);
	return skb->dev;
}

/* The packet goes on as if its sender had retransmitted it: not with older timestamps than
 * what has filled the gap before it. A receiver would drop it (RFC 7323, 5.3).
 */
static int smtp_kept_stamp(struct smtp_kept_packet *kept, const struct smtp_stamps *stamps)
{
	struct smtp_packet p;

	if (!smtp_packet_init(&p, kept->skb, kept->tcp))
		return -EINVAL;
	return smtp_packet_renew_stamps(&p, stamps);
}

/* Called under RCU: in help() for another packet, from where nf_send_reset() and TEE send
 * packets, too, or in a work queue with softirqs off (X7). A packet for this machine goes
 * through the device's backlog: the other packet may belong to a socket that is locked.
 */
static void smtp_kept_send(struct sk_buff *skb, struct nf_conn *ct, enum smtp_dir dir)
{
	struct net *net = nf_ct_net(ct);

	if (!smtp_kept_dev(skb, net)) {
		kfree_skb(skb);
		return;
	}
	nf_conntrack_get(&ct->ct_general);
	nf_ct_set(skb, ct, dir == SMTP_CLIENT ? IP_CT_ESTABLISHED :
						IP_CT_ESTABLISHED_REPLY);
	if (smtp_kept_local(skb)) {
		local_bh_disable();
		netif_rx(skb);
		local_bh_enable();
	} else {
		dst_output(net, NULL, skb);
	}
}

/* What is to be told to whom, after kept packets have come or gone */
static void smtp_kept_tell(struct smtp_ct_flow *flow, struct smtp_sack sacks[2])
{
	int dir;

	for (dir = SMTP_CLIENT; dir <= SMTP_SERVER; dir++) {
		sacks[dir].nr_runs = 0;
		if (flow->tell & 1 << dir)
			smtp_sack_fill(flow, dir, &sacks[dir]);
	}
	flow->tell = 0;
}

/**
 * smtp_kept_resume() - send kept packets as if their sender had retransmitted them
 * @flow: the flow
 * @ct: its connection
 *
 * One after the other. Each is judged in help(), which does not call this function again
 * meanwhile. Then senders whose packets still wait for a lost one are told which these
 * are.
 */
void smtp_kept_resume(struct smtp_ct_flow *flow, struct nf_conn *ct)
{
	struct smtp_kept_packet *kept;
	struct smtp_stamps stamps;
	struct smtp_sack sacks[2];
	int dir;

	spin_lock_bh(&flow->lock);
	if (flow->resuming) {
		spin_unlock_bh(&flow->lock);
		return;
	}
	flow->resuming = true;
	while (flow->due) {
		dir = flow->due & 1 << SMTP_CLIENT ? SMTP_CLIENT : SMTP_SERVER;
		kept = smtp_kept_next(flow, dir);
		if (!kept) {
			flow->due &= ~(1 << dir);
			continue;
		}
		smtp_flow_uncharge(flow, kept->held.size);
		flow->tell |= 1 << dir;
		smtp_rule_count(flow->rule, SMTP_FIXUP_CNT_SEGMENTS_RESUMED);
		stamps = flow->last[dir].stamps;
		spin_unlock_bh(&flow->lock);
		if (smtp_kept_stamp(kept, &stamps))
			kfree_skb(kept->skb);
		else
			smtp_kept_send(kept->skb, ct, dir);
		kfree(kept);
		spin_lock_bh(&flow->lock);
	}
	flow->resuming = false;
	smtp_kept_tell(flow, sacks);
	spin_unlock_bh(&flow->lock);
	for (dir = SMTP_CLIENT; dir <= SMTP_SERVER; dir++)
		if (smtp_sack_send(&sacks[dir], ct, dir))
			smtp_rule_count(flow->rule, SMTP_FIXUP_CNT_SACKS_SENT);
}

/**
 * smtp_kept_forget() - free what is kept of a connection that is not judged any more
 * @flow: the flow
 */
void smtp_kept_forget(struct smtp_ct_flow *flow)
{
	if (likely(!READ_ONCE(flow->kept[SMTP_CLIENT]) &&
		   !READ_ONCE(flow->kept[SMTP_SERVER])))
		return;
	spin_lock_bh(&flow->lock);
	smtp_flow_drop_kept(flow);
	spin_unlock_bh(&flow->lock);
}
