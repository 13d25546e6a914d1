// SPDX-License-Identifier: GPL-2.0-only
/* Help: each packet of a connection that has the helper. See help.h. */
#include <net/netfilter/nf_conntrack_ecache.h>
#include <net/netfilter/nf_conntrack_l4proto.h>
#include <net/netfilter/nf_conntrack_seqadj.h>
#include "conn.h"
#include "events.h"
#include "help.h"
#include "helper.h"
#include "kept.h"
#include "packet.h"
#include "sack.h"
#include "select.h"
#include "side.h"

/**
 * struct smtp_help - one packet in help()
 * @p: the packet
 * @ct: its connection
 * @ctinfo: its place in that
 * @adjusted: conntrack adjusted sequence numbers when the packet came
 */
struct smtp_help {
	struct smtp_packet p;
	struct nf_conn *ct;
	enum ip_conntrack_info ctinfo;
	bool adjusted;
};

/* smtp_segment_ops.adjust. Lock order: flow, then ct. */
static void smtp_help_adjust(struct smtp_segment *seg, u32 pos, s32 delta)
{
	struct smtp_help *h = container_of(seg, struct smtp_help, p.seg);

	nf_ct_seqadj_set(h->ct, h->ctinfo, htonl(pos), delta);
	/* conntrackd tells the other router */
	nf_conntrack_event_cache(IPCT_SEQADJ, h->ct);
}

/* smtp_segment_ops.settle. conntrack compares sequence numbers with the one position that
 * it remembers, modulo 2^32. With both offsets the same the result is right however much
 * the connection still carries, and without this module, too.
 */
static void smtp_help_settle(struct smtp_segment *seg)
{
	struct smtp_help *h = container_of(seg, struct smtp_help, p.seg);
	struct nf_ct_seqadj *way;

	way = &nfct_seqadj(h->ct)->seq[CTINFO2DIR(h->ctinfo)];

	spin_lock_bh(&h->ct->lock);
	way->offset_before = way->offset_after;
	spin_unlock_bh(&h->ct->lock);
	nf_conntrack_event_cache(IPCT_SEQADJ, h->ct);
}

static const struct smtp_segment_ops smtp_help_ops = {
	.read = smtp_packet_read,
	.write = smtp_packet_write,
	.cross = smtp_packet_cross,
	.splice = smtp_packet_splice,
	.adjust = smtp_help_adjust,
	.settle = smtp_help_settle,
};

/* An edit found no memory. Returns the verdict. */
static unsigned int smtp_help_no_memory(const struct nf_conn *ct)
{
	const struct smtp_rule *rule = smtp_helper_rule(ct);

	if (rule)
		smtp_event_ct(ct, rule, SMTP_FIXUP_EVENT_MEMORY_REFUSED);
	return NF_DROP;
}

/* SYNs tell where the payload begins. Connections without payload cost no more than this.
 */
static unsigned int smtp_help_syn(struct smtp_packet *p, struct nf_conn *ct,
				  struct smtp_ct *data, enum smtp_dir dir)
{
	struct smtp_rule *rule = smtp_ct_rule(ct);
	struct smtp_opening *open = &data->open;
	u32 first = p->seg.seq + 1;
	bool opened = false;
	int err = 0;

	spin_lock_bh(&ct->lock);
	if (dir == SMTP_CLIENT && !p->th.ack) {
		opened = !(data->flags & SMTP_CT_SYN);
		data->flags |= SMTP_CT_SYN;
		open->syn = first;
		if (!(data->flags & SMTP_CT_ISN))
			smtp_side_opened(p->skb, open);
	} else if (dir == SMTP_SERVER && data->flags & SMTP_CT_SYN &&
		   !(data->flags & SMTP_CT_ISN) &&
		   /* A SYN without ACK is a simultaneous open */
		   (!p->th.ack || p->seg.ack == open->syn)) {
		open->isn[SMTP_CLIENT] = open->syn;
		open->isn[SMTP_SERVER] = first;
		data->flags |= SMTP_CT_ISN;
	}
	spin_unlock_bh(&ct->lock);

	if (!rule)
		return NF_ACCEPT;
	if (opened)
		smtp_rule_count(rule, SMTP_FIXUP_CNT_CONNECTIONS);
	/* H1 */
	err = smtp_packet_blank_mptcp(p, rule->policy.observe);
	if (err < 0)
		return smtp_help_no_memory(ct);
	if (err)
		smtp_event_ct(ct, rule, SMTP_FIXUP_EVENT_MPTCP_REMOVED);
	err = 0;
	if (p->seg.len) {
		/* TCP Fast Open: the client retransmits it when it is connected */
		smtp_event_ct(ct, rule, SMTP_FIXUP_EVENT_SYN_DATA_CUT);
		if (!rule->policy.observe)
			err = smtp_packet_cut(p, 0);
	}
	return err ? smtp_help_no_memory(ct) : NF_ACCEPT;
}

/* A client's packet of a connection that is not judged, or not any more. If it is a SYN,
 * the next connection of these ports begins: H2
 */
static void smtp_help_unjudged(struct sk_buff *skb, unsigned int protoff,
			       struct nf_conn *ct, struct smtp_ct *data)
{
	const struct tcphdr *th;
	struct tcphdr buf;

	th = skb_header_pointer(skb, protoff, sizeof(buf), &buf);
	if (likely(!th || !th->syn || th->ack))
		return;
	spin_lock_bh(&ct->lock);
	data->flags |= SMTP_CT_SYN;
	data->open.syn = ntohl(th->seq) + 1;
	spin_unlock_bh(&ct->lock);
}

/* The first payload octet. Returns the flow, or NULL and the packet's verdict */
static struct smtp_ct_flow *smtp_help_begin(struct nf_conn *ct,
					    struct smtp_ct *data,
					    unsigned int *verdict)
{
	struct smtp_rule *rule = smtp_ct_rule(ct);
	struct smtp_ct_flow *flow, *late = NULL;

	*verdict = rule ? smtp_rule_drop_verdict(rule) : NF_DROP;
	spin_lock_bh(&ct->lock);
	flow = rcu_dereference_protected(data->flow, lockdep_is_held(&ct->lock));
	if (flow)
		goto out;
	if (!rule) {
		/* Its policy is gone */
		WRITE_ONCE(data->flags, data->flags | SMTP_CT_LEFT_ALONE);
		*verdict = NF_ACCEPT;
		goto out;
	}
	if (!(data->flags & SMTP_CT_ISN)) {
		smtp_event_ct(ct, rule, SMTP_FIXUP_EVENT_PACKET_MIDSTREAM);
		goto out;
	}
	flow = smtp_ct_flow_alloc(ct, rule, data->open.isn);
	if (!flow) {
		smtp_event_ct(ct, rule, SMTP_FIXUP_EVENT_MEMORY_REFUSED);
		goto out;
	}
	/* Fully ordered, like conntrack's setting of IPS_DYING: either destroy
	 * finds the flow or the flag is seen here.
	 */
	(void)xchg(&data->flow, RCU_INITIALIZER(flow));
	if (!nf_ct_is_confirmed(ct) || nf_ct_is_dying(ct)) {
		late = smtp_ct_take_flow(data);
		flow = NULL;
	}
out:
	spin_unlock_bh(&ct->lock);
	smtp_ct_flow_free(late);
	return flow;
}

/* A connection whose beginning was not seen here: nft gave it the helper in its middle,
 * or its entry comes from another router (conntrackd)
 */
static unsigned int smtp_help_midstream(struct smtp_packet *p, struct nf_conn *ct,
					struct smtp_ct *data, bool outside)
{
	const struct smtp_rule *rule = smtp_ct_rule(ct);
	struct nf_hook_state state = {
		.hook = NF_INET_FORWARD,
		.pf = nf_ct_l3num(ct),
		.net = nf_ct_net(ct),
	};
	u8 flag = SMTP_CT_LEFT_ALONE;
	unsigned int verdict;

	switch (rule && !(outside && smtp_helper_tls(ct)) ?
		smtp_select_midstream(ct, rule, outside) :
		SMTP_FIXUP_MIDSTREAM_PASS) {
	case SMTP_FIXUP_MIDSTREAM_PASS:
		verdict = NF_ACCEPT;
		break;
	case SMTP_FIXUP_MIDSTREAM_RESET:
		/* The number of a keepalive would not convince the far end */
		if (outside && !p->seg.len && !p->seg.fin)
			return NF_ACCEPT;
		/* Before adjustment the numbers are those that the sender knows */
		if (skb_dst(p->skb))
			smtp_packet_answer_reset(p->skb, &state);
		if (!outside)
			return NF_DROP;
		/* The packet itself becomes a RST for the far end. If the far end
		 * challenges that (RFC 5961, 3.2), the sender, closed by then, confirms
		 * it.
		 */
		verdict = smtp_packet_reset(p) ? smtp_help_no_memory(ct) : NF_ACCEPT;
		flag = SMTP_CT_ENDED;
		break;
	default:
		return NF_DROP;
	}
	spin_lock_bh(&ct->lock);
	WRITE_ONCE(data->flags, data->flags | flag);
	spin_unlock_bh(&ct->lock);
	return verdict;
}

/* A connection that was ended. A RST that reaches only the far end would leave the sender
 * hanging, since a RST is never answered. So of the sender's retransmissions every other
 * one leaves as a RST, and the rest as bare ACKs. The far end, closed by then, answers an
 * ACK with a RST of its own (RFC 9293, 3.10.7.1), which NAT and adjustment treat as any
 * packet. A bare ACK of the sender is never made a RST: nothing may follow it, and then
 * the sender would learn nothing.
 */
static unsigned int smtp_help_end(struct smtp_packet *p, struct smtp_ct *data,
				  enum smtp_dir dir)
{
	struct nf_conn *ct = container_of(p, struct smtp_help, p)->ct;
	u8 rst = p->seg.len || p->seg.fin ? SMTP_CT_RST << dir : 0;
	int err;

	spin_lock_bh(&ct->lock);
	WRITE_ONCE(data->flags, (data->flags ^ rst) | SMTP_CT_ENDED);
	rst &= data->flags;
	spin_unlock_bh(&ct->lock);

	err = rst ? smtp_packet_reset(p) : smtp_packet_cut(p, 0);
	return err ? smtp_help_no_memory(ct) : NF_ACCEPT;
}

/* Will conntrack adjust the packet's sequence numbers, if that is needed? Newer kernels'
 * nf_confirm() decides before help(). The first change of length may have been made
 * since, by a packet on another processor.
 */
static bool smtp_help_adjusts(const struct smtp_help *h)
{
	return h->adjusted || !test_bit(IPS_SEQ_ADJUST_BIT, &h->ct->status);
}

/* How long a dropped connection stays silent. Both ends would retransmit for a quarter of
 * an hour, so after this time they are reset.
 */
#define SMTP_DROP_SILENCE	(10 * HZ)

/* How long the server may take to answer what preceded the connection's end */
#define SMTP_ANSWER_TIME	(5 * HZ)

/* Has everything before the connection's end been delivered and answered, or has that
 * taken too long?
 */
static bool smtp_help_delivered(const struct smtp_ct_flow *flow)
{
	return smtp_flow_finished(&flow->core) ||
	       (smtp_flow_over(&flow->core) &&
		smtp_time_after(flow->ended_at, SMTP_ANSWER_TIME));
}

/* The verdict on packets after the connection's end */
static enum smtp_verdict smtp_help_over(const struct smtp_ct_flow *flow)
{
	enum smtp_verdict verdict = smtp_flow_ended(&flow->core);

	if (verdict == SMTP_DROP &&
	    smtp_time_after(flow->ended_at, SMTP_DROP_SILENCE))
		return SMTP_RESET;
	return verdict;
}

/* Does the packet's ACK go on, although its payload does not? T4. Without it the far end
 * would wait for a timeout of its own.
 */
static bool smtp_help_acks(const struct smtp_ct_flow *flow, const struct smtp_packet *p,
			   enum smtp_dir dir)
{
	return !flow->rule->policy.observe && !smtp_flow_over(&flow->core) &&
	       !p->spliced && smtp_sack_news(flow, p, dir);
}

/* How long the client may wait for a reply before that is reported */
#define SMTP_AWAITED_LONG	(20 * HZ)

/* D2: reports a reply that does not come. @held: the client's packet waits for it */
static void smtp_help_awaited(struct smtp_ct_flow *flow, struct smtp_host *host,
			      bool held)
{
	const struct smtp_session *s = &flow->core.session;
	const char *line;

	if (!smtp_flow_waits(&flow->core)) {
		flow->awaited = 0;
	} else if (flow->awaited != s->commands) {
		flow->awaited = s->commands;
		flow->awaited_at = (u32)jiffies ?: 1;
	} else if (held && flow->awaited_at &&
		   smtp_time_after(flow->awaited_at, SMTP_AWAITED_LONG)) {
		flow->awaited_at = 0;
		line = smtp_session_awaited(s);
		smtp_event(host, SMTP_FIXUP_EVENT_REPLY_AWAITED, (const u8 *)line,
			   strlen(line));
	}
}

static unsigned int smtp_help_segment(struct smtp_packet *p, struct smtp_ct *data,
				      struct smtp_ct_flow *flow, enum smtp_dir dir)
{
	const struct smtp_help *h = container_of(p, struct smtp_help, p);
	struct smtp_ct_host host = { .flow = flow, .skb = p->skb };
	enum smtp_verdict verdict = SMTP_DROP;
	bool resume = false;
	int err = 0;

	spin_lock_bh(&flow->lock);
	if (!smtp_help_adjusts(h)) {
		smtp_rule_count(flow->rule, SMTP_FIXUP_CNT_SEGMENTS_DROPPED);
	} else if (!flow->dead) {
		bool over = smtp_flow_over(&flow->core);

		p->resumed = flow->resuming;
		verdict = smtp_flow_segment(&flow->core, dir, &p->seg, &host.host);
		smtp_packet_read_end(p);
		resume = smtp_kept_judged(flow, p, dir, verdict);
		if (verdict == SMTP_DROP && smtp_help_acks(flow, p, dir)) {
			p->seg.pass = 0;
			verdict = SMTP_PASS;
		}
		if (verdict == SMTP_PASS)
			smtp_sack_note(flow, p, dir);
		smtp_help_awaited(flow, &host.host, dir == SMTP_CLIENT &&
				  smtp_flow_holds(&flow->core, dir, &p->seg) ==
				  SMTP_HOLDS_REPLY);
		if (!over && smtp_flow_over(&flow->core))
			flow->ended_at = jiffies;
		if (verdict == SMTP_DROP && smtp_help_delivered(flow))
			verdict = smtp_help_over(flow);
		else if (p->broken && !flow->rule->policy.observe)
			verdict = SMTP_DESYNC;
	}
	spin_unlock_bh(&flow->lock);
	consume_skb(p->whole);
	if (resume)
		smtp_kept_resume(flow, h->ct);

	if (smtp_verdict_resets(verdict))
		return smtp_help_end(p, data, dir);
	if (verdict == SMTP_DROP)
		return smtp_rule_drop_verdict(flow->rule);
	if (!p->spliced && p->seg.pass < p->seg.len)
		err = smtp_packet_cut(p, p->seg.pass);
	return err ? smtp_help_no_memory(h->ct) : NF_ACCEPT;
}

/**
 * smtp_help() - nf_conntrack_helper.help
 * @skb: the packet
 * @protoff: offset of its TCP header from skb->data
 * @ct: its connection, which has the helper
 * @ctinfo: its place in that
 *
 * Called under RCU, last of all hooks: NAT is done, sequence adjustment is not.
 *
 * Return: the packet's verdict.
 */
int smtp_help(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct,
	      enum ip_conntrack_info ctinfo)
{
	enum smtp_dir dir = CTINFO2DIR(ctinfo) == IP_CT_DIR_ORIGINAL ?
			    SMTP_CLIENT : SMTP_SERVER;
	struct smtp_ct *data = smtp_helper_data(ct);
	struct smtp_ct_flow *flow;
	struct smtp_packet *p;
	struct smtp_help h;
	unsigned int verdict;
	bool ended, opaque;

	h.ct = ct;
	h.ctinfo = ctinfo;
	h.adjusted = test_bit(IPS_SEQ_ADJUST_BIT, &ct->status);
	p = &h.p;
	if (!data)
		return NF_DROP;		/* somebody took the helper away just now */
	/* nf_ct_seq_adjust() will adjust those of the first header */
	if (h.adjusted && skb_is_gso(skb)) {
		if (!smtp_packet_init(p, skb, protoff))
			return NF_DROP;
		if (smtp_packet_unlist(p))
			return smtp_help_no_memory(ct);
	}
	ended = READ_ONCE(data->flags) & SMTP_CT_ENDED;
	flow = rcu_dereference(data->flow);
	opaque = flow && smtp_flow_opaque(&flow->core) && !ended;
	if (READ_ONCE(data->flags) & SMTP_CT_LEFT_ALONE || opaque) {
		if (opaque) {
			smtp_helper_opaque(ct);
			smtp_kept_forget(flow);
		}
		if (dir == SMTP_CLIENT)
			smtp_help_unjudged(skb, protoff, ct, data);
		return NF_ACCEPT;
	}
	/* Judged already, on its way out to the loopback device */
	if (nf_is_loopback_packet(skb))
		return NF_ACCEPT;
	/* ICMP errors about the connection */
	if ((ctinfo == IP_CT_RELATED || ctinfo == IP_CT_RELATED_REPLY) &&
	    smtp_packet_tcp_offset(skb, nf_ct_l3num(ct)) < 0)
		return NF_ACCEPT;

	/* nft adds the helper only. Once the entry is confirmed, no extension can be
	 * added
	 */
	if (!nf_ct_is_confirmed(ct) && !nfct_seqadj(ct)) {
		if (!nfct_seqadj_ext_add(ct))
			return smtp_help_no_memory(ct);
		data = smtp_helper_data(ct);	/* may have moved */
		if (!data)
			return NF_DROP;
	}

	if (!smtp_packet_init(p, skb, protoff))
		return NF_DROP;
	p->seg.ops = &smtp_help_ops;
	if (!nfct_seqadj(ct))
		p->seg.room = 0;
	if (READ_ONCE(data->flags) & SMTP_CT_SYN &&
	    !smtp_side_believed(skb, ct, &data->open, dir)) {
		struct smtp_rule *rule = smtp_ct_rule(ct);

		if (!rule)
			return NF_ACCEPT;
		smtp_event_ct(ct, rule, SMTP_FIXUP_EVENT_PACKET_SPOOFED);
		return smtp_rule_drop_verdict(rule);
	}
	if (p->th.rst)
		return NF_ACCEPT;
	if (p->th.syn)
		return smtp_help_syn(p, ct, data, dir);
	if (!nf_ct_is_confirmed(ct))
		return smtp_help_midstream(p, ct, data, false);
	if (!(READ_ONCE(data->flags) & SMTP_CT_SYN) && !ended)
		return smtp_help_midstream(p, ct, data, true);
	if (ended)
		return smtp_help_end(p, data, dir);
	if (!flow) {
		if (!p->seg.len)
			return NF_ACCEPT;
		flow = smtp_help_begin(ct, data, &verdict);
		if (!flow)
			return verdict;
	}
	if (!smtp_packet_readable(p)) {
		smtp_rule_count(flow->rule, SMTP_FIXUP_CNT_SEGMENTS_DROPPED);
		return smtp_rule_drop_verdict(flow->rule);
	}
	if (!flow->rule->policy.observe && smtp_packet_own(p))
		return smtp_help_no_memory(ct);
	if (p->th.urg) {
		smtp_event_ct(ct, flow->rule, SMTP_FIXUP_EVENT_URGENT_CLEARED);
		if (!flow->rule->policy.observe && smtp_packet_clear_urgent(p))
			return smtp_help_no_memory(ct);
	}
	return smtp_help_segment(p, data, flow, dir);
}
