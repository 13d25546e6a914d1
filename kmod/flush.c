// SPDX-License-Identifier: GPL-2.0-only
/* Flush: ending connections. See flush.h. */
#include <linux/bitmap.h>
#include "compat.h"
#include "flow.h"
#include "flush.h"
#include "helper.h"

/**
 * struct smtp_flushing - what is to be ended
 * @ports: a bit for each port that is meant
 * @nr: connections ended so far
 */
struct smtp_flushing {
	const unsigned long *ports;
	u32 nr;
};

/* What it is under: the flow's rule, or what the first payload octet will get */
static const struct smtp_rule *smtp_flush_rule(const struct nf_conn *ct,
					       const struct smtp_ct *data)
{
	const struct smtp_ct_flow *flow = rcu_dereference(data->flow);

	return flow ? flow->rule : smtp_ct_rule(ct);
}

/* To delete the conntrack would be no end: it would be picked up again where
 * nothing is known of it, and neither side would hear of that.
 */
static int smtp_flush_ct(struct nf_conn *ct, void *data)
{
	struct smtp_flushing *flushing = data;
	const struct smtp_rule *rule;
	struct smtp_ct *smtp;

	if (nf_ct_protonum(ct) != IPPROTO_TCP ||
	    READ_ONCE(ct->proto.tcp.state) >= TCP_CONNTRACK_TIME_WAIT ||
	    !test_bit(smtp_ct_port(ct), flushing->ports))
		return 0;
	rcu_read_lock();
	smtp = smtp_helper_data(ct);
	rule = smtp ? smtp_flush_rule(ct, smtp) : NULL;
	if (rule) {
		spin_lock_bh(&ct->lock);
		if (!(smtp->flags & (SMTP_CT_LEFT_ALONE | SMTP_CT_ENDED))) {
			WRITE_ONCE(smtp->flags, smtp->flags | SMTP_CT_ENDED);
			smtp_rule_count(rule, SMTP_FIXUP_CNT_CONNECTIONS_FLUSHED);
			flushing->nr++;
		}
		spin_unlock_bh(&ct->lock);
	}
	rcu_read_unlock();
	return 0;
}

/**
 * smtp_flush() - end the connections to some ports that are under a policy
 * @net: the namespace
 * @ports: a bit for each port that is meant
 *
 * May sleep. Nothing is sent: what either side sends next, but for bare ACKs,
 * brings both of them a RST.
 *
 * Return: how many connections.
 */
u32 smtp_flush(struct net *net, const unsigned long *ports)
{
	struct smtp_flushing flushing = { .ports = ports };

	smtp_ct_iterate_net(net, smtp_flush_ct, &flushing);
	return flushing.nr;
}
