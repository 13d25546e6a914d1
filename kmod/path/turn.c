// SPDX-License-Identifier: GPL-2.0-only
/* Turns: messages that waited for a rate go on. X7. See turn.h. */
#include <net/netfilter/nf_conntrack_core.h>
#include "conn.h"
#include "helper.h"
#include "kept.h"
#include "turn.h"

/* Returns a reference to a flow's connection, or NULL: the helper was removed from it */
static struct nf_conn *smtp_turn_ct(const struct smtp_ct_flow *flow)
{
	struct nf_conntrack_tuple_hash *h;
	const struct smtp_ct *data;
	struct nf_conn *ct;

	h = nf_conntrack_find_get(smtp_flow_net(flow), &flow->zone, &flow->ends);
	if (!h)
		return NULL;
	ct = nf_ct_tuplehash_to_ctrack(h);
	data = smtp_helper_data(ct);
	if (data && rcu_access_pointer(data->flow) == flow)
		return ct;
	nf_ct_put(ct);
	return NULL;
}

/**
 * smtp_turn_resume() - have a message go on whose turn has come: X7
 * @turn: the connection's place in line
 *
 * As smtp_rates_init() says.
 */
void smtp_turn_resume(struct smtp_rate_wait *turn)
{
	struct smtp_ct_flow *flow = container_of(turn, struct smtp_ct_flow, turn);
	struct nf_conn *ct;
	bool kept = false;

	spin_lock_bh(&flow->lock);
	if (!flow->dead) {
		smtp_flow_turn(&flow->core);
		flow->due |= 1 << SMTP_CLIENT;
		kept = flow->kept[SMTP_CLIENT];
	}
	spin_unlock_bh(&flow->lock);
	/* If nothing is kept, the sender retransmits. Not under the lock: the search may
	 * delete connections that have timed out, and free their flows.
	 */
	ct = kept ? smtp_turn_ct(flow) : NULL;
	if (!ct)
		return;
	local_bh_disable();
	smtp_kept_resume(flow, ct);
	local_bh_enable();
	nf_ct_put(ct);
}
