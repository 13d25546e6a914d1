// SPDX-License-Identifier: GPL-2.0-only
/* Live connections over netlink: SMTP_FIXUP_CMD_FLOW_GET. */
#include <net/genetlink.h>
#include <net/sock.h>
#include <net/netfilter/nf_conntrack_core.h>
#include "../path/conn.h"
#include "flows.h"
#include "../path/helper.h"
#include "../message.h"

/* @flow is NULL before the first payload octet */
static int smtp_nl_put_flow(struct sk_buff *skb, const struct nf_conn *ct,
			    const struct smtp_ct_flow *flow,
			    const struct smtp_rule *rule)
{
	const struct nf_conntrack_tuple *tuple;
	u32 commands = 0, blocked = 0, messages = 0;
	u8 phase = SMTP_FIXUP_PHASE_GREETING;
	struct nlattr *nest;

	if (flow) {
		const struct smtp_session *s = &flow->core.session;

		phase = smtp_flow_over(&flow->core) ? SMTP_FIXUP_PHASE_ENDED :
						      READ_ONCE(s->phase);
		if (phase == SMTP_FIXUP_PHASE_COMMAND && READ_ONCE(s->rate_waits))
			phase = SMTP_FIXUP_PHASE_WAIT;
		messages = READ_ONCE(s->messages);
		/* The greeting and ends of data are answered like commands */
		commands = READ_ONCE(s->commands) - 1 -
			   READ_ONCE(s->data_ends);
		blocked = READ_ONCE(s->blocked);
	}
	tuple = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
	nest = nla_nest_start(skb, SMTP_FIXUP_A_FLOW);
	if (!nest ||
	    smtp_nl_put_end(skb, nf_ct_l3num(ct), SMTP_FIXUP_FLOW_A_CLIENT,
			    &tuple->src.u3, SMTP_FIXUP_FLOW_A_CLIENT_PORT,
			    tuple->src.u.tcp.port) ||
	    smtp_nl_put_end(skb, nf_ct_l3num(ct), SMTP_FIXUP_FLOW_A_SERVER,
			    &tuple->dst.u3, SMTP_FIXUP_FLOW_A_SERVER_PORT,
			    tuple->dst.u.tcp.port) ||
	    nla_put_u8(skb, SMTP_FIXUP_FLOW_A_MODE, rule->policy.mode) ||
	    nla_put_u8(skb, SMTP_FIXUP_FLOW_A_PHASE, phase) ||
	    nla_put_u32(skb, SMTP_FIXUP_FLOW_A_COMMANDS, commands) ||
	    nla_put_u32(skb, SMTP_FIXUP_FLOW_A_BLOCKED, blocked) ||
	    nla_put_u32(skb, SMTP_FIXUP_FLOW_A_MESSAGES, messages))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* One conntrack entry, of any kind. -EMSGSIZE: it needs another skb */
static int smtp_nl_dump_ct(struct sk_buff *skb, struct netlink_callback *cb,
			   const struct genl_family *family,
			   const struct nf_conn *ct)
{
	const struct smtp_ct_flow *flow;
	const struct smtp_rule *rule;
	struct smtp_ct *data;
	void *hdr;

	if (!net_eq(nf_ct_net(ct), sock_net(skb->sk)) ||
	    nf_ct_protonum(ct) != IPPROTO_TCP ||
	    READ_ONCE(ct->proto.tcp.state) >= TCP_CONNTRACK_TIME_WAIT ||
	    nf_ct_is_expired(ct) || nf_ct_is_dying(ct))
		return 0;
	data = smtp_helper_data(ct);
	if (!data ||
	    READ_ONCE(data->flags) & (SMTP_CT_LEFT_ALONE | SMTP_CT_ENDED))
		return 0;
	flow = rcu_dereference(data->flow);
	rule = smtp_helper_rule(ct);
	if (!rule)
		return 0;

	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			  family, NLM_F_MULTI, SMTP_FIXUP_CMD_FLOW_GET);
	if (!hdr)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, hdr);
	if (smtp_nl_put_flow(skb, ct, flow, rule)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

/* One bucket of conntrack's table, under its lock, as ctnetlink does it */
static int smtp_nl_dump_bucket(struct sk_buff *skb, struct netlink_callback *cb,
			       const struct genl_family *family,
			       struct smtp_dump *dump)
{
	spinlock_t *lock = &nf_conntrack_locks[dump->index % CONNTRACK_LOCKS];
	struct nf_conntrack_tuple_hash *h;
	struct hlist_nulls_node *n;
	int err = 0;
	u32 nr = 0;

	local_bh_disable();
	nf_conntrack_lock(lock);
	__acquire(lock);	/* its declaration does not tell sparse */
	/* The table may be smaller now */
	if (dump->index < nf_conntrack_htable_size) {
		hlist_nulls_for_each_entry(h, n, &nf_conntrack_hash[dump->index],
					   hnnode) {
			if (NF_CT_DIRECTION(h) != IP_CT_DIR_ORIGINAL ||
			    nr++ < dump->skip)
				continue;
			err = smtp_nl_dump_ct(skb, cb, family,
					      nf_ct_tuplehash_to_ctrack(h));
			if (err)
				break;
			dump->skip = nr;
		}
	}
	spin_unlock(lock);
	local_bh_enable();
	return err;
}

/**
 * smtp_flows_dump() - the live connections that are judged
 * @skb: the message to fill
 * @cb: how far the dump has come
 * @family: the netlink family
 *
 * Return: the message's length; 0 ends the dump.
 */
int smtp_flows_dump(struct sk_buff *skb, struct netlink_callback *cb,
		    const struct genl_family *family)
{
	struct smtp_dump *dump = (struct smtp_dump *)cb->ctx;

	/* With another size the order is another one: the dump was interrupted */
	cb->seq = nf_conntrack_htable_size;
	for (; dump->index < nf_conntrack_htable_size; dump->index++) {
		int err;

		rcu_read_lock();
		err = smtp_nl_dump_bucket(skb, cb, family, dump);
		rcu_read_unlock();
		if (err)
			break;
		dump->skip = 0;
		cond_resched();
	}
	return skb->len;
}
