// SPDX-License-Identifier: GPL-2.0-only
/* Selection: which connections are judged, and which are left alone. See select.h. */
#include <linux/jiffies.h>
#include <linux/module.h>
#include <net/netfilter/nf_conntrack.h>
#include "events.h"
#include "../netns/netns.h"
#include "past.h"
#include "select.h"

static unsigned int midstream_grace = 300;
module_param(midstream_grace, uint, 0644);
MODULE_PARM_DESC(midstream_grace, "Seconds after a namespace's first policy in which connections that begin in their middle are taken for older ones and left alone (default 300)");

/**
 * smtp_select_iif() - does a packet come in by the rule's interface?
 * @rule: the rule, which names an interface
 * @state: the hook that the packet is in
 *
 * Compares names, as nft's iifname does: the interface may come and go.
 *
 * Return: whether it does.
 */
bool smtp_select_iif(const struct smtp_rule *rule,
		     const struct nf_hook_state *state)
{
	return state->in && !strcmp(state->in->name, rule->policy.iif);
}

/**
 * smtp_select_new() - is a connection that begins with a packet under the rule?
 * @rule: what its port is under
 * @state: the hook that the packet is in
 *
 * Not if nft selects connections: the packet has not come by nft's rules yet.
 *
 * Return: whether it is.
 */
bool smtp_select_new(const struct smtp_rule *rule,
		     const struct nf_hook_state *state)
{
	if (rule->policy.assign == SMTP_FIXUP_ASSIGN_EXPLICIT)
		return false;
	return !*rule->policy.iif || smtp_select_iif(rule, state);
}

/**
 * smtp_select_missed() - should a connection without the helper have it?
 * @ct: the connection, confirmed
 * @rule: what its port is under
 *
 * The client's first packet is gone. So it is not known by which interface that came in,
 * or whether nft would have selected it. But an assured connection was open before:
 * conntrack goes on with an old entry.
 *
 * Return: whether it should.
 */
bool smtp_select_missed(const struct nf_conn *ct,
			const struct smtp_rule *rule)
{
	if (test_bit(IPS_ASSURED_BIT, &ct->status))
		return true;
	return !*rule->policy.iif &&
	       rule->policy.assign != SMTP_FIXUP_ASSIGN_EXPLICIT;
}

/* May a connection that begins in its middle be older than the policy? */
static bool smtp_select_grace(const struct net *net)
{
	u64 grace_ends;

	grace_ends = READ_ONCE(smtp_pernet(net)->hooked_at) +
		     (u64)READ_ONCE(midstream_grace) * HZ;
	return time_before64(get_jiffies_64(), grace_ends);
}

/**
 * smtp_select_midstream() - a connection that begins in its middle, to be judged
 * @ct: the connection
 * @rule: what it is under
 * @outside: its entry comes from another router, by conntrackd or ctnetlink
 *
 * Such a connection can't be judged. Soon after conntrack was switched on, it may be
 * older than that, and passes, unless this router or the other one knew it. Called under
 * RCU.
 *
 * Return: how to treat it; %SMTP_FIXUP_MIDSTREAM_PASS: leave it alone.
 */
enum smtp_fixup_midstream smtp_select_midstream(const struct nf_conn *ct,
						const struct smtp_rule *rule,
						bool outside)
{
	enum smtp_past past = outside ? SMTP_PAST_JUDGED : smtp_past_find(ct);
	enum smtp_fixup_midstream what = rule->policy.midstream;

	if (past == SMTP_PAST_UNKNOWN && smtp_select_grace(nf_ct_net(ct))) {
		smtp_event_ct(ct, rule, SMTP_FIXUP_EVENT_PREEXISTING);
		return SMTP_FIXUP_MIDSTREAM_PASS;
	}
	/* It was ended, or it can't go on: its ends disagree about the sequence numbers
	 */
	if (past == SMTP_PAST_ENDED)
		what = SMTP_FIXUP_MIDSTREAM_RESET;
	smtp_event_ct(ct, rule, what == SMTP_FIXUP_MIDSTREAM_PASS ?
				SMTP_FIXUP_EVENT_MIDSTREAM_PASSED :
				SMTP_FIXUP_EVENT_PACKET_MIDSTREAM);
	return rule->policy.observe ? SMTP_FIXUP_MIDSTREAM_PASS : what;
}
