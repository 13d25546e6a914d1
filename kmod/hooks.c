// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netfilter hooks: right behind conntrack they attach the helper to new
 * connections, and stop what conntrack knows no connection of and would let
 * pass by the helper. Before DNAT: the port is the one that the client dialled.
 */
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include "compat.h"
#include "events.h"
#include "helper.h"
#include "hooks.h"
#include "netns.h"
#include "packet.h"

static unsigned int midstream_grace = 300;
module_param(midstream_grace, uint, 0644);
MODULE_PARM_DESC(midstream_grace, "Seconds after a namespace's first policy in which connections that begin in their middle are taken for older ones and left alone (default 300)");

static const struct tcphdr *smtp_hook_tcp(const struct sk_buff *skb, u8 family,
					  struct tcphdr *buf)
{
	int offset = smtp_packet_tcp_offset(skb, family);

	if (offset < 0)
		return NULL;
	return skb_header_pointer(skb, offset, sizeof(*buf), buf);
}

/* Does the packet come in where the rule's connections do? By name, as nft's
 * iifname: the interface may come and go.
 */
static bool smtp_hook_iif(const struct smtp_rule *rule,
			  const struct nf_hook_state *state)
{
	return state->in && !strcmp(state->in->name, rule->policy.iif);
}

/* Are connections under the rule that begin with such a packet? What nft will
 * select is not known yet.
 */
static bool smtp_hook_selects(const struct smtp_rule *rule,
			      const struct nf_hook_state *state)
{
	if (rule->policy.assign == SMTP_FIXUP_ASSIGN_EXPLICIT)
		return false;
	return !*rule->policy.iif || smtp_hook_iif(rule, state);
}

/* Is the packet of a connection that the rule leaves alone? Of one that is not
 * known, the interface tells: clients are on this side, servers on the other.
 * And of one that is hidden from connection tracking no reply tells anything
 * that its client could go on with. Nor can nft select what is hidden.
 */
static bool smtp_hook_spared(const struct sk_buff *skb,
			     const struct nf_hook_state *state,
			     const struct smtp_rule *rule, bool tracked,
			     bool reply)
{
	bool explicit = rule->policy.assign == SMTP_FIXUP_ASSIGN_EXPLICIT;
	struct nf_conntrack_tuple_hash *h;
	struct nf_conntrack_tuple tuple;
	struct nf_conn *ct;
	bool spared;

	if ((!explicit && !*rule->policy.iif) ||
	    !nf_ct_get_tuplepr(skb, skb_network_offset(skb), state->pf,
			       state->net, &tuple))
		return false;
	h = nf_conntrack_find_get(state->net, &nf_ct_zone_dflt, &tuple);
	if (!h && explicit)
		return !tracked;
	if (!h)
		return reply ? !tracked || smtp_hook_iif(rule, state) :
			       !smtp_hook_iif(rule, state);
	ct = nf_ct_tuplehash_to_ctrack(h);
	spared = !smtp_helper_data(ct);
	nf_ct_put(ct);
	return spared;
}

/* A packet of no connection: the helper would never see it */
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
	if (!rule || smtp_hook_spared(skb, state, rule, tracked, reply))
		return NF_ACCEPT;
	smtp_event_stray(skb, state, rule,
			 tracked ? SMTP_FIXUP_EVENT_PACKET_INVALID :
				   SMTP_FIXUP_EVENT_PACKET_UNTRACKED, reply);
	return smtp_rule_drop(rule);
}

/**
 * smtp_midstream() - a connection that begins in its middle, to be judged
 * @ct: the connection, not confirmed
 * @rule: what it is under
 *
 * It can't be judged, for nobody saw its beginning. Soon after conntrack was
 * switched on that is no fault of its own. Called under RCU.
 *
 * Return: the verdict; NF_ACCEPT: leave it alone.
 */
unsigned int smtp_midstream(const struct nf_conn *ct,
			    const struct smtp_rule *rule)
{
	u64 grace_ends;

	grace_ends = READ_ONCE(smtp_pernet(nf_ct_net(ct))->hooked_at) +
		     (u64)READ_ONCE(midstream_grace) * HZ;
	if (time_before64(get_jiffies_64(), grace_ends)) {
		smtp_event_ct(ct, rule, SMTP_FIXUP_EVENT_PREEXISTING);
		return NF_ACCEPT;
	}
	if (rule->policy.midstream == SMTP_FIXUP_MIDSTREAM_PASS) {
		smtp_event_ct(ct, rule, SMTP_FIXUP_EVENT_MIDSTREAM_PASSED);
		return NF_ACCEPT;
	}
	smtp_event_ct(ct, rule, SMTP_FIXUP_EVENT_PACKET_MIDSTREAM);
	return smtp_rule_drop(rule);
}

/* The first packet of a connection, or the RST that rejects it */
static unsigned int smtp_hook_new(const struct sk_buff *skb, struct nf_conn *ct,
				  enum ip_conntrack_info ctinfo,
				  const struct nf_hook_state *state)
{
	const struct nf_conntrack_tuple *tuple;
	const struct smtp_rule *rule;
	const struct tcphdr *th;
	unsigned int verdict;
	struct tcphdr buf;

	if (CTINFO2DIR(ctinfo) != IP_CT_DIR_ORIGINAL)
		return NF_ACCEPT;	/* nf_send_reset(), nf_ct_attach() */
	th = smtp_hook_tcp(skb, state->pf, &buf);
	if (!th)
		return NF_ACCEPT;	/* an ICMP error about it */
	rule = smtp_rule_find(state->net, smtp_ct_port(ct));
	if (rule && !smtp_hook_selects(rule, state)) {
		if (th->syn && *rule->policy.iif)
			smtp_rule_count(rule, SMTP_FIXUP_CNT_CONNECTIONS_OTHER_INTERFACE);
		return NF_ACCEPT;
	}
	if (th->syn && !th->ack)
		return !rule || smtp_helper_attach(ct, rule, 0) ?
		       NF_ACCEPT : smtp_rule_drop(rule);
	/* The server's packet would make it the one that began */
	tuple = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
	if (!rule)
		rule = smtp_rule_find(state->net, ntohs(tuple->src.u.tcp.port));
	if (!rule)
		return NF_ACCEPT;

	verdict = smtp_midstream(ct, rule);
	if (verdict == NF_ACCEPT &&
	    rule->policy.assign != SMTP_FIXUP_ASSIGN_EXPLICIT &&
	    !smtp_helper_attach(ct, rule, SMTP_CT_LEFT_ALONE))
		return smtp_rule_drop(rule);
	return verdict;
}

/* Is the connection one that a helper should have been attached to? Which way
 * its client's packets come in is not known, and what nft would have said; but
 * none that opens for the first time is assured.
 */
static bool smtp_hook_missed(const struct nf_conn *ct,
			     const struct smtp_rule *rule)
{
	if (test_bit(IPS_ASSURED_BIT, &ct->status))
		return true;
	return !*rule->policy.iif &&
	       rule->policy.assign != SMTP_FIXUP_ASSIGN_EXPLICIT;
}

/* The packet of a connection that is known. Where the next one of the same ports
 * would go on as that, the entry is deleted: no helper can be attached to it
 * any more, and sequence adjustment would go on, too. The client's SYN comes again
 * and gets an entry of its own.
 */
static unsigned int smtp_hook_known(const struct sk_buff *skb,
				    struct nf_conn *ct,
				    enum ip_conntrack_info ctinfo,
				    const struct nf_hook_state *state)
{
	const struct smtp_rule *rule;
	const struct tcphdr *th;
	struct tcphdr buf;

	if (CTINFO2DIR(ctinfo) != IP_CT_DIR_REPLY ||
	    (READ_ONCE(ct->proto.tcp.state) != TCP_CONNTRACK_SYN_RECV &&
	     !smtp_helper_data(ct)))
		return NF_ACCEPT;
	th = smtp_hook_tcp(skb, state->pf, &buf);
	if (!th || !th->syn || !th->ack || !smtp_helper_reopened(ct, th))
		return NF_ACCEPT;
	rule = smtp_ct_rule(ct);
	if (!smtp_helper_data(ct) && (!rule || !smtp_hook_missed(ct, rule)))
		return NF_ACCEPT;
	if (rule)
		smtp_event_ct(ct, rule, SMTP_FIXUP_EVENT_REOPENED);
	if (rule && smtp_rule_drop(rule) == NF_ACCEPT)
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
		return NF_ACCEPT;	/* what TEE or nft's dup send elsewhere */
	return smtp_hook_stray(skb, state, ctinfo != IP_CT_UNTRACKED);
}

static const struct nf_hook_ops smtp_hook_ops[] = {
	{
		.hook = smtp_hook,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP_PRI_CONNTRACK + 1,
	},
	{
		.hook = smtp_hook,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = NF_IP_PRI_CONNTRACK + 1,
	},
	{
		.hook = smtp_hook,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP6_PRI_CONNTRACK + 1,
	},
	{
		.hook = smtp_hook,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = NF_IP6_PRI_CONNTRACK + 1,
	},
};

/**
 * smtp_hooks_register() - have the packets of a namespace looked at
 * @net: the namespace; its state is locked
 *
 * Switches conntrack on there, too. Stays so until the namespace ends: a
 * namespace that had a policy will have one again.
 *
 * Return: 0 or a negative error.
 */
int smtp_hooks_register(struct net *net)
{
	struct smtp_net *sn = smtp_pernet(net);
	int err;

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
 * @net: the namespace, whose hooks are unregistered; the helper has gone, or
 *	the namespace goes
 *
 * Stays on where conntrack has sequence numbers to adjust, or what is left of
 * these connections would be corrupted. conntrack must not be unloaded then.
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
