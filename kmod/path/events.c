// SPDX-License-Identifier: GPL-2.0-only
/* Events: counting, sending, tracing. See events.h. */
#include <linux/module.h>
#include <net/genetlink.h>
#include <net/netfilter/nf_conntrack_core.h>
#include "../message.h"
#include "../netns/netns.h"
#include "events.h"
#include "share.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static unsigned int event_limit = 1000;
module_param(event_limit, uint, 0644);
MODULE_PARM_DESC(event_limit, "Events a second in each network namespace; more are only counted (default 1000)");

/* The family, while it is registered: before and after that, the numbers of its
 * multicast groups are somebody else's.
 */
static const struct genl_family *smtp_event_family;

/**
 * struct smtp_event_at - where an event happens
 * @net: the namespace
 * @ends: the connection, from the client to the server
 * @skb: the packet, or NULL
 * @reply: it is the server's
 */
struct smtp_event_at {
	struct net *net;
	const struct nf_conntrack_tuple *ends;
	const struct sk_buff *skb;
	bool reply;
};

/* May one more event be sent? *@suppressed: how many were not sent before it */
static bool smtp_event_allowed(struct smtp_event_limit *limit, u64 *suppressed)
{
	u64 now = get_jiffies_64();
	bool allowed;

	spin_lock_bh(&limit->lock);
	if (now - limit->since >= HZ) {
		limit->since = now;
		limit->sent = 0;
	}
	allowed = limit->sent < READ_ONCE(event_limit);
	if (allowed) {
		limit->sent++;
		*suppressed = limit->suppressed;
		limit->suppressed = 0;
	} else {
		limit->suppressed++;
	}
	spin_unlock_bh(&limit->lock);
	return allowed;
}

/* The packet's way through this machine, as far as it has come */
static int smtp_event_put_devs(struct sk_buff *msg, const struct smtp_event_at *at)
{
	int in = SMTP_FIXUP_EVENT_A_CLIENT_DEV, out = SMTP_FIXUP_EVENT_A_SERVER_DEV;
	const struct net_device *dev;

	if (!at->skb)
		return 0;
	if (at->reply)
		swap(in, out);
	dev = dev_get_by_index_rcu(at->net, at->skb->skb_iif);
	if (dev && nla_put_string(msg, in, dev->name))
		return -EMSGSIZE;
	dev = at->skb->dev;
	if (!dev || dev->ifindex == at->skb->skb_iif)
		return 0;
	return nla_put_string(msg, out, dev->name);
}

static int smtp_event_put(struct sk_buff *msg, const struct smtp_event_at *at,
			  enum smtp_fixup_event event, const char *words,
			  u64 suppressed)
{
	struct nlattr *nest = nla_nest_start(msg, SMTP_FIXUP_A_EVENT);
	const struct smtp_event_kind *kind = &smtp_events[event];
	const struct nf_conntrack_tuple *ends = at->ends;

	if (!nest ||
	    nla_put_u8(msg, SMTP_FIXUP_EVENT_A_EVENT, event) ||
	    nla_put_string(msg, SMTP_FIXUP_EVENT_A_NAME, kind->name) ||
	    nla_put_string(msg, SMTP_FIXUP_EVENT_A_RULE, kind->rule) ||
	    nla_put_u64_64bit(msg, SMTP_FIXUP_EVENT_A_TIME, ktime_get_real_ns(),
			      SMTP_FIXUP_EVENT_A_PAD) ||
	    nla_put_u32(msg, SMTP_FIXUP_EVENT_A_NETNS, at->net->ns.inum) ||
	    smtp_nl_put_end(msg, ends->src.l3num, SMTP_FIXUP_EVENT_A_CLIENT,
			    &ends->src.u3, SMTP_FIXUP_EVENT_A_CLIENT_PORT,
			    ends->src.u.tcp.port) ||
	    smtp_nl_put_end(msg, ends->src.l3num, SMTP_FIXUP_EVENT_A_SERVER,
			    &ends->dst.u3, SMTP_FIXUP_EVENT_A_SERVER_PORT,
			    ends->dst.u.tcp.port) ||
	    smtp_event_put_devs(msg, at))
		return -EMSGSIZE;
	if ((kind->vendor &&
	     nla_put_u32(msg, SMTP_FIXUP_EVENT_A_VENDOR, kind->vendor)) ||
	    (*words && nla_put_string(msg, SMTP_FIXUP_EVENT_A_WORDS, words)) ||
	    (suppressed &&
	     nla_put_u64_64bit(msg, SMTP_FIXUP_EVENT_A_SUPPRESSED, suppressed,
			       SMTP_FIXUP_EVENT_A_PAD)))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/* Larger than any event */
#define SMTP_EVENT_SIZE		512

static int smtp_event_send(const struct genl_family *family,
			   const struct smtp_event_at *at,
			   enum smtp_fixup_event event, const char *words,
			   u64 suppressed)
{
	struct sk_buff *msg;
	void *hdr;

	msg = genlmsg_new(SMTP_EVENT_SIZE, GFP_ATOMIC | __GFP_NOWARN);
	if (!msg)
		return -ENOMEM;
	hdr = genlmsg_put(msg, 0, 0, family, 0, SMTP_FIXUP_CMD_EVENT);
	if (!hdr || smtp_event_put(msg, at, event, words, suppressed)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, hdr);
	/* A listener that does not keep up is told so by its socket */
	genlmsg_multicast_netns(family, at->net, msg, 0, 0, GFP_ATOMIC);
	return 0;
}

static void smtp_event_tell(const struct smtp_event_at *at,
			    enum smtp_fixup_event event, const char *words)
{
	const struct genl_family *family = READ_ONCE(smtp_event_family);
	const struct smtp_event_kind *kind = &smtp_events[event];
	struct smtp_event_limit *limit;
	u64 suppressed;

	if (kind->action == SMTP_ACTION_EDIT)
		trace_edit(at->net, kind, at->ends, words);
	else
		trace_verdict(at->net, kind, at->ends, words);

	if (!family || !genl_has_listeners(family, at->net, 0))
		return;
	limit = &smtp_pernet(at->net)->events;
	if (!smtp_event_allowed(limit, &suppressed) ||
	    !smtp_event_send(family, at, event, words, suppressed))
		return;
	spin_lock_bh(&limit->lock);
	limit->suppressed += suppressed + 1;
	spin_unlock_bh(&limit->lock);
}

/**
 * smtp_event_packet() - report what was done to a packet; it is counted already
 * @skb: the packet, with its connection
 * @event: what
 * @words: what it is about, may be empty
 *
 * Called under RCU.
 */
void smtp_event_packet(const struct sk_buff *skb, enum smtp_fixup_event event,
		       const char *words)
{
	enum ip_conntrack_info ctinfo;
	struct smtp_event_at at;
	struct nf_conn *ct;

	ct = nf_ct_get(skb, &ctinfo);
	at.net = nf_ct_net(ct);
	at.ends = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
	at.skb = skb;
	at.reply = CTINFO2DIR(ctinfo) == IP_CT_DIR_REPLY;
	smtp_event_tell(&at, event, words);
}

/**
 * smtp_event_ct() - count and report what was done to a connection or its packet
 * @ct: the connection
 * @rule: what its port is under; counts it
 * @event: what
 *
 * Called under RCU.
 */
void smtp_event_ct(const struct nf_conn *ct, const struct smtp_rule *rule,
		   enum smtp_fixup_event event)
{
	struct smtp_event_at at = {
		.net = nf_ct_net(ct),
		.ends = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL),
	};

	smtp_rule_count(rule, smtp_events[event].counter);
	smtp_event_tell(&at, event, "");
}

/**
 * smtp_event_refused() - report that memory was refused, because a share is used up: H5
 * @net: the namespace
 * @ends: the connection that needs the memory
 * @rule: what that is under; counts it
 * @greedy: the share, which the event names, once a second
 * @class: what it was for
 *
 * Called under RCU.
 */
void smtp_event_refused(struct net *net, const struct nf_conntrack_tuple *ends,
			const struct smtp_rule *rule, struct smtp_share *greedy,
			enum smtp_memory class)
{
	const enum smtp_fixup_event event = SMTP_FIXUP_EVENT_SOURCE_REFUSED;
	const struct smtp_event_at at = { .net = net, .ends = ends };
	char words[SMTP_FIXUP_WORDS_MAX + 1];

	smtp_rule_count(rule, smtp_events[event].counter);
	if (smtp_share_tell(greedy, class, words))
		smtp_event_tell(&at, event, words);
}

/**
 * smtp_event_reclaimed() - report that a connection had to give memory back: H5
 * @net: the namespace
 * @ends: the connection
 * @rule: what that is under; counts it
 * @words: how much
 *
 * Called under RCU.
 */
void smtp_event_reclaimed(struct net *net, const struct nf_conntrack_tuple *ends,
			  const struct smtp_rule *rule, const char *words)
{
	const enum smtp_fixup_event event = SMTP_FIXUP_EVENT_RECLAIMED;
	const struct smtp_event_at at = { .net = net, .ends = ends };

	smtp_rule_count(rule, smtp_events[event].counter);
	smtp_event_tell(&at, event, words);
}

/**
 * smtp_event_stray() - report what was done to a packet without a connection
 * @skb: the packet
 * @state: the hook that it is in
 * @rule: what its port is under; counts it
 * @event: what
 * @reply: its source port is the one that is inspected
 * @words: the cause, or ""
 *
 * Called under RCU.
 */
void smtp_event_stray(const struct sk_buff *skb,
		      const struct nf_hook_state *state,
		      const struct smtp_rule *rule, enum smtp_fixup_event event,
		      bool reply, const char *words)
{
	struct nf_conntrack_tuple ends;
	struct smtp_event_at at = {
		.net = state->net, .ends = &ends, .skb = skb, .reply = reply,
	};

	smtp_rule_count(rule, smtp_events[event].counter);
	if (!nf_ct_get_tuplepr(skb, skb_network_offset(skb), state->pf,
			       state->net, &ends))
		return;
	if (reply) {
		swap(ends.src.u3, ends.dst.u3);
		swap(ends.src.u.tcp.port, ends.dst.u.tcp.port);
	}
	smtp_event_tell(&at, event, words);
}

/**
 * smtp_events_start() - send events
 * @family: the netlink family, registered
 */
void smtp_events_start(const struct genl_family *family)
{
	WRITE_ONCE(smtp_event_family, family);
}

/**
 * smtp_events_stop() - the family is about to go: send no more
 *
 * None is being sent when this returns.
 */
void smtp_events_stop(void)
{
	WRITE_ONCE(smtp_event_family, NULL);
	synchronize_rcu();
}
