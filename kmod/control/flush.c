// SPDX-License-Identifier: GPL-2.0-only
/* Flush: ending connections. See flush.h. */
#include <linux/bitmap.h>
#include "../compat.h"
#include "flush.h"
#include "../path/helper.h"
#include "../path/past.h"

/**
 * struct smtp_flushing - which connections are to be ended
 * @ports: a bit for each port that is meant
 * @unjudged: also connections that are left alone
 * @nr: connections ended so far
 */
struct smtp_flushing {
	const unsigned long *ports;
	bool unjudged;
	u32 nr;
};

/* Ends a connection. Deleting its conntrack entry is not enough: its next packet would
 * make a new one, and neither end would notice. A connection that never had the helper
 * can only be remembered as ended. Connections that the policy leaves alone, by interface
 * or by nft, go on. Returns whether to delete the entry.
 */
static int smtp_flush_ct(struct nf_conn *ct, void *data)
{
	struct smtp_flushing *flushing = data;
	const struct smtp_rule *rule;
	struct smtp_ct *smtp;
	int unknown = 0;
	u8 spared;

	if (nf_ct_protonum(ct) != IPPROTO_TCP ||
	    READ_ONCE(ct->proto.tcp.state) >= TCP_CONNTRACK_TIME_WAIT ||
	    !test_bit(smtp_ct_port(ct), flushing->ports))
		return 0;
	spared = SMTP_CT_ENDED | (flushing->unjudged ? 0 : SMTP_CT_LEFT_ALONE);
	rcu_read_lock();
	smtp = smtp_helper_data(ct);
	rule = smtp_helper_rule(ct);
	if (rule && smtp) {
		spin_lock_bh(&ct->lock);
		if (!(smtp->flags & spared)) {
			WRITE_ONCE(smtp->flags, (smtp->flags | SMTP_CT_ENDED) &
						~SMTP_CT_LEFT_ALONE);
			smtp_rule_count(rule, SMTP_FIXUP_CNT_CONNECTIONS_FLUSHED);
			flushing->nr++;
		}
		spin_unlock_bh(&ct->lock);
	} else if (rule && flushing->unjudged && !*rule->policy.iif &&
		   rule->policy.assign == SMTP_FIXUP_ASSIGN_AUTO) {
		smtp_past_remember(ct, SMTP_PAST_ENDED);
		smtp_rule_count(rule, SMTP_FIXUP_CNT_CONNECTIONS_FLUSHED);
		flushing->nr++;
		unknown = 1;
	}
	rcu_read_unlock();
	return unknown;
}

/**
 * smtp_flush() - end the connections to some ports that are under a policy
 * @net: the namespace
 * @ports: a bit for each port that is meant
 * @unjudged: also connections older than the policy, or let through in their middle
 *
 * May sleep. Nothing is sent by this. The next packet of either side, other than a bare
 * ACK, brings both sides a RST.
 *
 * Return: the number of connections that were ended.
 */
u32 smtp_flush(struct net *net, const unsigned long *ports, bool unjudged)
{
	struct smtp_flushing flushing = {
		.ports = ports, .unjudged = unjudged,
	};

	smtp_ct_iterate_net(net, smtp_flush_ct, &flushing);
	return flushing.nr;
}
