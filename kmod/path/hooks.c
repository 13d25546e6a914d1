// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netfilter hooks. Right after conntrack they attach the helper to new connections,
 * and stop packets for which conntrack has no connection: the helper would never see
 * them. They run before DNAT, so the port is the one that the client dialled.
 */
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include "../compat.h"
#include "events.h"
#include "helper.h"
#include "hooks.h"
#include "../netns/netns.h"
#include "packet.h"
#include "past.h"
#include "select.h"
#include "side.h"
#include "synack.h"

static const struct tcphdr *smtp_hook_tcp(const struct sk_buff *skb, u8 family,
					  struct tcphdr *buf)
{
	int offset = smtp_packet_tcp_offset(skb, family);

	if (offset < 0)
		return NULL;
	return skb_header_pointer(skb, offset, sizeof(*buf), buf);
}

/* The zone that a packet's template names. conntrack drops the template of a packet that
 * it calls INVALID. So the hook before conntrack keeps the zone for the hook after it, by
 * processor. If the packet has moved to another processor, the default zone is used.
 */
struct smtp_hook_zone {
	const struct sk_buff *skb;
	struct nf_conntrack_zone zone;
};

static DEFINE_PER_CPU(struct smtp_hook_zone, smtp_hook_zones);

static unsigned int smtp_hook_before(void *priv, struct sk_buff *skb,
				     const struct nf_hook_state *state)
{
	enum ip_conntrack_info ctinfo;
	const struct nf_conn *tmpl = nf_ct_get(skb, &ctinfo);
	struct smtp_hook_zone *kept;
	struct nf_conntrack_zone buf;

	if (likely(!tmpl && this_cpu_read(smtp_hook_zones.skb) != skb))
		return NF_ACCEPT;
	kept = get_cpu_ptr(&smtp_hook_zones);
	kept->skb = NULL;
	if (tmpl && nf_ct_is_template(tmpl)) {
		kept->zone = *nf_ct_zone_tmpl(tmpl, skb, &buf);
		kept->skb = skb;
	}
	put_cpu_ptr(&smtp_hook_zones);
	return NF_ACCEPT;
}

static struct nf_conntrack_zone smtp_hook_zone(const struct sk_buff *skb)
{
	const struct smtp_hook_zone *kept = get_cpu_ptr(&smtp_hook_zones);
	struct nf_conntrack_zone zone;

	zone = kept->skb == skb ? kept->zone : nf_ct_zone_dflt;
	put_cpu_ptr(&smtp_hook_zones);
	return zone;
}

/* The entry that conntrack has for a packet's addresses and ports, although the packet
 * has none: conntrack calls it INVALID, or it is untracked. Returns a reference, or NULL.
 */
static struct nf_conntrack_tuple_hash *
smtp_hook_entry(const struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct nf_conntrack_zone zone = smtp_hook_zone(skb);
	struct nf_conntrack_tuple tuple;

	if (!nf_ct_get_tuplepr(skb, skb_network_offset(skb), state->pf,
			       state->net, &tuple))
		return NULL;
	return nf_conntrack_find_get(state->net, &zone, &tuple);
}

/* Does the rule leave the packet's connection alone? If conntrack has no entry, the
 * interface decides: clients are on the @iif side, servers on the other. Untracked
 * replies are left alone: a client gets no further by them. So is any untracked packet
 * where nft selects connections, for nft cannot select those.
 */
static bool smtp_hook_exempt(const struct sk_buff *skb,
			     const struct nf_hook_state *state,
			     const struct smtp_rule *rule, bool tracked,
			     bool reply)
{
	bool explicit = rule->policy.assign == SMTP_FIXUP_ASSIGN_EXPLICIT;
	struct nf_conntrack_tuple_hash *h;
	struct nf_conn *ct;
	bool exempt;

	if (!explicit && !*rule->policy.iif)
		return false;
	h = smtp_hook_entry(skb, state);
	if (!h && explicit)
		return !tracked;
	if (!h)
		return reply ? !tracked || smtp_select_iif(rule, state) :
			       !smtp_select_iif(rule, state);
	ct = nf_ct_tuplehash_to_ctrack(h);
	exempt = !smtp_helper_data(ct);
	nf_ct_put(ct);
	return exempt;
}

/* Does conntrack wait for the answer to the SYN of the packet's sender? */
static bool smtp_hook_unanswered(const struct sk_buff *skb,
				 const struct nf_hook_state *state)
{
	struct nf_conntrack_tuple_hash *h = smtp_hook_entry(skb, state);
	struct nf_conn *ct;
	bool unanswered;

	if (!h)
		return false;
	ct = nf_ct_tuplehash_to_ctrack(h);
	unanswered = NF_CT_DIRECTION(h) == IP_CT_DIR_ORIGINAL &&
		     READ_ONCE(ct->proto.tcp.state) == TCP_CONNTRACK_SYN_SENT;
	nf_ct_put(ct);
	return unanswered;
}

/* The event's words, if the fault is the router's and not the packet's: the connection
 * can't work. A packet that came in and is now sent by this machine is IPVS's.
 */
static const char *smtp_hook_cause(const struct sk_buff *skb,
				   const struct nf_hook_state *state,
				   const struct tcphdr *th, bool tracked, bool reply)
{
	if (!tracked)
		return state->hook == NF_INET_LOCAL_OUT && skb->skb_iif ?
		       "IPVS: net.ipv4.vs.conntrack is 0" : "";
	if (th->rst)
		return "";
	if (reply)
		return th->syn && th->ack ?
		       "one-way route: the client's SYN did not come by" : "";
	return !th->syn && th->ack && smtp_hook_unanswered(skb, state) ?
	       "one-way route: the server's SYN/ACK did not come by" : "";
}

/* A packet without a connection: the helper would never see it */
static unsigned int smtp_hook_stray(const struct sk_buff *skb,
				    const struct nf_hook_state *state,
				    bool tracked)
{
	const struct smtp_rule *rule;
	const struct tcphdr *th;
	bool reply = false;
	struct tcphdr buf;

	th = smtp_hook_tcp(skb, state->pf, &buf);
	if (!th)
		return NF_ACCEPT;
	rule = smtp_rule_find(state->net, ntohs(th->dest));
	if (!rule) {
		rule = smtp_rule_find(state->net, ntohs(th->source));
		reply = true;
	}
	if (!rule || smtp_hook_exempt(skb, state, rule, tracked, reply))
		return NF_ACCEPT;
	smtp_event_stray(skb, state, rule,
			 tracked ? SMTP_FIXUP_EVENT_PACKET_INVALID :
				   SMTP_FIXUP_EVENT_PACKET_UNTRACKED, reply,
			 smtp_hook_cause(skb, state, th, tracked, reply));
	return smtp_rule_drop_verdict(rule);
}

/* Lets the packet go on without a connection. The entry that conntrack has just made for
 * it is dropped
 */
static void smtp_hook_forget(struct sk_buff *skb)
{
	nf_reset_ct(skb);
	nf_ct_set(skb, NULL, IP_CT_UNTRACKED);
}

/* Ends both sides of a connection that can't be judged. The sender gets a RST at once.
 * The packet becomes a RST for the far end. If its number is not the one that the far end
 * expects, the far end sends a challenge ACK (RFC 5961, 3.2), which is answered with a
 * RST here, too.
 */
static unsigned int smtp_hook_reset(struct sk_buff *skb,
				    const struct nf_hook_state *state)
{
	struct smtp_packet p;

	if (!smtp_packet_init(&p, skb, smtp_packet_tcp_offset(skb, state->pf)))
		return NF_DROP;
	if (!p.th.rst)
		smtp_packet_answer_reset(skb, state);
	if (smtp_packet_reset(&p))
		return NF_DROP;
	smtp_hook_forget(skb);
	return NF_ACCEPT;
}

/* A server's packet begins a connection in its middle, but nft selects connections by the
 * client's packets. Make the client send one.
 */
static unsigned int smtp_hook_ask(struct sk_buff *skb, const struct nf_conn *ct,
				  const struct smtp_rule *rule,
				  const struct nf_hook_state *state)
{
	struct smtp_packet p;

	if (rule->policy.observe ||
	    !smtp_packet_init(&p, skb, smtp_packet_tcp_offset(skb, state->pf)))
		return NF_ACCEPT;
	if (p.th.rst || (!p.seg.len && !p.seg.fin)) {
		smtp_hook_forget(skb);
		return NF_ACCEPT;
	}
	smtp_event_ct(ct, rule, SMTP_FIXUP_EVENT_PACKET_MIDSTREAM);
	if (smtp_packet_probe(&p))
		return NF_DROP;
	smtp_hook_forget(skb);
	return NF_ACCEPT;
}

/* The first packet of a connection is not a SYN. @reply: it is the server's, which
 * conntrack would take for the client
 */
static unsigned int smtp_hook_midstream(struct sk_buff *skb, struct nf_conn *ct,
					const struct smtp_rule *rule, bool reply,
					const struct nf_hook_state *state)
{
	bool explicit = rule->policy.assign == SMTP_FIXUP_ASSIGN_EXPLICIT;

	if (reply && explicit)
		return smtp_hook_ask(skb, ct, rule, state);
	/* Clients are on the @iif side, and this server is, too: it serves the other side
	 */
	if (reply && *rule->policy.iif && smtp_select_iif(rule, state))
		return NF_ACCEPT;
	switch (smtp_select_midstream(ct, rule, false)) {
	case SMTP_FIXUP_MIDSTREAM_PASS:
		break;
	case SMTP_FIXUP_MIDSTREAM_RESET:
		return smtp_hook_reset(skb, state);
	default:
		return NF_DROP;
	}
	if (!explicit && !smtp_helper_attach(ct, rule, SMTP_CT_LEFT_ALONE))
		return smtp_rule_drop_verdict(rule);
	return NF_ACCEPT;
}

/* The first packet of a connection, or the RST that rejects it */
static unsigned int smtp_hook_new(struct sk_buff *skb, struct nf_conn *ct,
				  enum ip_conntrack_info ctinfo,
				  const struct nf_hook_state *state)
{
	const struct nf_conntrack_tuple *tuple;
	const struct smtp_rule *rule;
	const struct tcphdr *th;
	bool reply = false;
	struct tcphdr buf;

	if (CTINFO2DIR(ctinfo) != IP_CT_DIR_ORIGINAL)
		return NF_ACCEPT;	/* nf_send_reset(), nf_ct_attach() */
	th = smtp_hook_tcp(skb, state->pf, &buf);
	if (!th)
		return NF_ACCEPT;	/* an ICMP error about it */
	rule = smtp_rule_find(state->net, smtp_ct_port(ct));
	if (rule && !smtp_select_new(rule, state)) {
		if (th->syn && *rule->policy.iif)
			smtp_rule_count(rule, SMTP_FIXUP_CNT_CONNECTIONS_OTHER_INTERFACE);
		return NF_ACCEPT;
	}
	if (th->syn && !th->ack)
		return !rule || smtp_helper_attach(ct, rule, 0) ?
		       NF_ACCEPT : smtp_rule_drop_verdict(rule);
	if (!rule) {
		tuple = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
		rule = smtp_rule_find(state->net, ntohs(tuple->src.u.tcp.port));
		reply = true;
	}
	return rule ? smtp_hook_midstream(skb, ct, rule, reply, state) :
		      NF_ACCEPT;
}

/* A packet of a known connection. If conntrack would use this entry for the next
 * connection of the same ports, delete it: no helper can be attached to it any more, and
 * its sequence adjustment would stay. The client retransmits its SYN, which gets a new
 * entry.
 */
static unsigned int smtp_hook_known(const struct sk_buff *skb,
				    struct nf_conn *ct,
				    enum ip_conntrack_info ctinfo,
				    const struct nf_hook_state *state)
{
	const struct smtp_rule *rule;
	const struct tcphdr *th;
	struct smtp_ct *data;
	struct tcphdr buf;

	if (CTINFO2DIR(ctinfo) != IP_CT_DIR_REPLY ||
	    (READ_ONCE(ct->proto.tcp.state) != TCP_CONNTRACK_SYN_RECV &&
	     !smtp_helper_data(ct)))
		return NF_ACCEPT;
	th = smtp_hook_tcp(skb, state->pf, &buf);
	if (!th || !th->syn || !th->ack)
		return NF_ACCEPT;
	rule = smtp_ct_rule(ct);
	data = smtp_helper_data(ct);
	if (data && READ_ONCE(data->flags) & SMTP_CT_SYN &&
	    !smtp_side_believed(skb, ct, &data->open, SMTP_SERVER)) {
		if (!rule)
			return NF_ACCEPT;
		smtp_event_ct(ct, rule, SMTP_FIXUP_EVENT_PACKET_SPOOFED);
		return smtp_rule_drop_verdict(rule);
	}
	switch (smtp_synack_answer(ct, th)) {
	case SMTP_ANSWER_OWN:
		return NF_ACCEPT;
	case SMTP_ANSWER_STRANGE:
		if (!rule)
			return NF_ACCEPT;
		smtp_event_ct(ct, rule, SMTP_FIXUP_EVENT_SYNACK_STRANGE);
		return smtp_rule_drop_verdict(rule);
	case SMTP_ANSWER_ANEW:
		break;
	}
	if (!data && (!rule || !smtp_select_missed(ct, rule)))
		return NF_ACCEPT;
	if (rule)
		smtp_event_ct(ct, rule, SMTP_FIXUP_EVENT_REOPENED);
	if (rule && smtp_rule_drop_verdict(rule) == NF_ACCEPT)
		return NF_ACCEPT;
	nf_ct_kill(ct);
	return NF_DROP;
}

static unsigned int smtp_hook(void *priv, struct sk_buff *skb,
			      const struct nf_hook_state *state)
{
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct = nf_ct_get(skb, &ctinfo);

	if (ct && !nf_ct_is_template(ct)) {
		if (nf_ct_protonum(ct) != IPPROTO_TCP)
			return NF_ACCEPT;
		if (nf_ct_is_confirmed(ct))
			return smtp_hook_known(skb, ct, ctinfo, state);
		return smtp_hook_new(skb, ct, ctinfo, state);
	}
	if (state->hook == NF_INET_LOCAL_OUT && smtp_duplicating())
		return NF_ACCEPT;	/* a copy that TEE or nft's dup sends elsewhere */
	return smtp_hook_stray(skb, state, ctinfo != IP_CT_UNTRACKED);
}

static const struct nf_hook_ops smtp_hook_ops[] = {
	{
		.hook = smtp_hook_before,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP_PRI_CONNTRACK - 1,
	},
	{
		.hook = smtp_hook,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP_PRI_CONNTRACK + 1,
	},
	{
		.hook = smtp_hook_before,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = NF_IP_PRI_CONNTRACK - 1,
	},
	{
		.hook = smtp_hook,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = NF_IP_PRI_CONNTRACK + 1,
	},
	{
		.hook = smtp_hook_before,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP6_PRI_CONNTRACK - 1,
	},
	{
		.hook = smtp_hook,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP6_PRI_CONNTRACK + 1,
	},
	{
		.hook = smtp_hook_before,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = NF_IP6_PRI_CONNTRACK - 1,
	},
	{
		.hook = smtp_hook,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = NF_IP6_PRI_CONNTRACK + 1,
	},
};

/**
 * smtp_hooks_register() - register the hooks of a namespace
 * @net: the namespace; its state is locked
 *
 * Switches conntrack on there, too. Both stay until the namespace ends: a namespace that
 * had a policy is likely to have one again.
 *
 * Return: 0 or a negative error.
 */
int smtp_hooks_register(struct net *net)
{
	struct smtp_net *sn = smtp_pernet(net);
	int err;

	if (!sn->past)
		sn->past = smtp_past_alloc();
	if (!sn->past)
		return -ENOMEM;
	err = nf_ct_netns_get(net, NFPROTO_INET);
	if (err)
		return err;
	WRITE_ONCE(sn->hooked_at, get_jiffies_64());
	err = nf_register_net_hooks(net, smtp_hook_ops,
				    ARRAY_SIZE(smtp_hook_ops));
	if (err) {
		nf_ct_netns_put(net, NFPROTO_INET);
		return err;
	}
	sn->hooked = true;
	return 0;
}

static void __net_exit smtp_hooks_net_exit(struct net *net)
{
	if (!smtp_pernet(net)->hooked)
		return;
	nf_unregister_net_hooks(net, smtp_hook_ops, ARRAY_SIZE(smtp_hook_ops));
}

/**
 * smtp_hooks_put_conntrack() - conntrack is no longer needed in a namespace
 * @net: the namespace. Its hooks are unregistered, and the helper is, or the namespace is
 *	being removed
 *
 * If conntrack still adjusts sequence numbers there, it stays on, and must not be
 * unloaded: connections that go on would be corrupted.
 */
void smtp_hooks_put_conntrack(struct net *net)
{
	if (!smtp_pernet(net)->hooked)
		return;
	if (check_net(net) && smtp_helper_adjusts(net) &&
	    symbol_get(nf_ct_netns_get))
		return;
	nf_ct_netns_put(net, NFPROTO_INET);
}

static struct pernet_operations smtp_hooks_net_ops = {
	.exit = smtp_hooks_net_exit,
};

/**
 * smtp_hooks_init() - get ready to register hooks
 *
 * Return: 0 or a negative error.
 */
int smtp_hooks_init(void)
{
	return register_pernet_subsys(&smtp_hooks_net_ops);
}

/**
 * smtp_hooks_exit() - unregister the hooks of every namespace
 */
void smtp_hooks_exit(void)
{
	unregister_pernet_subsys(&smtp_hooks_net_ops);
}
