// SPDX-License-Identifier: GPL-2.0-only
/*
 * The conntrack helper "smtp": which connections have it, and when it comes and goes.
 * conntrack calls smtp_help() for every packet of theirs, last of all hooks. It is
 * replaced by "smtp-tls" where TLS has started: conntrackd tells the other router the
 * name.
 */
#include <net/netfilter/nf_conntrack_ecache.h>
#include <net/netfilter/nf_conntrack_l4proto.h>
#include <net/netfilter/nf_conntrack_seqadj.h>
#include "conn.h"
#include "events.h"
#include "helper.h"
#include "past.h"

/* Helpers are unregistered in reverse order. Connections lose "smtp" first, so that none
 * of them becomes "smtp-tls" when the connections with that have been searched.
 */
enum smtp_helper_name {
	SMTP_HELPER_TLS,
	SMTP_HELPER_SMTP,
	__SMTP_HELPER_MAX
};

/* The kernel's own helpers do not use these source ports. Port 0 is what helpers in user
 * space register with.
 */
static const struct {
	const char *name;
	u16 port;
} smtp_helper_names[__SMTP_HELPER_MAX] = {
	[SMTP_HELPER_TLS] = { "smtp-tls", 465 },
	[SMTP_HELPER_SMTP] = { "smtp", 25 },
};

/* One for IPv4 and one for IPv6 of each name: as prepared, and as registered */
#define SMTP_NR_HELPERS	(2 * __SMTP_HELPER_MAX)

static struct nf_conntrack_helper smtp_helper_templates[SMTP_NR_HELPERS];
static struct nf_conntrack_helper *smtp_helpers[SMTP_NR_HELPERS] __read_mostly;

/* SMTP expects no other connections, but conntrack requires such a policy */
static const struct nf_conntrack_expect_policy smtp_expect_policy = {
	.max_expected = 1,
	.timeout = 60,
};

static struct nf_conntrack_helper *smtp_helper_of(const struct nf_conn *ct,
						  enum smtp_helper_name name)
{
	return smtp_helpers[2 * name + (nf_ct_l3num(ct) == NFPROTO_IPV6)];
}

static bool smtp_helper_ours(const struct nf_conn_help *help)
{
	const struct nf_conntrack_helper *helper;
	int i;

	helper = rcu_dereference(help->helper);
	for (i = 0; i < SMTP_NR_HELPERS; i++)
		if (helper && helper == smtp_helpers[i])
			return true;
	return false;
}

/**
 * smtp_helper_tls() - has TLS started, here or on the router that the entry comes from?
 * @ct: the connection, which has the helper
 *
 * Called under RCU.
 *
 * Return: whether it has.
 */
bool smtp_helper_tls(const struct nf_conn *ct)
{
	return rcu_access_pointer(nfct_help(ct)->helper) ==
	       smtp_helper_of(ct, SMTP_HELPER_TLS);
}

/**
 * smtp_helper_opaque() - nothing of a connection is judged any more
 * @ct: the connection, which has the helper
 *
 * Another router that goes on with it (conntrackd) learns that by the helper's name.
 * Called under RCU.
 */
void smtp_helper_opaque(struct nf_conn *ct)
{
	if (likely(smtp_helper_tls(ct)))
		return;
	if (smtp_ct_helper_replace(nfct_help(ct),
				   smtp_helper_of(ct, SMTP_HELPER_SMTP),
				   smtp_helper_of(ct, SMTP_HELPER_TLS)))
		nf_conntrack_event_cache(IPCT_HELPER, ct);
}

/**
 * smtp_helper_data() - what help() knows of a connection
 * @ct: the connection
 *
 * Called under RCU.
 *
 * Return: the data, or NULL: the helper is not attached.
 */
struct smtp_ct *smtp_helper_data(const struct nf_conn *ct)
{
	struct nf_conn_help *help = nfct_help(ct);

	if (!help || !smtp_helper_ours(help))
		return NULL;
	return (struct smtp_ct *)help->data;
}

/**
 * smtp_ct_rule() - the rule that a connection is under
 * @ct: the connection, which has the helper
 *
 * The rule of the port that the client dialled. If that says by-mark, the rule of the
 * port that the connection's mark names. Called under RCU, which alone keeps the rule.
 *
 * Return: the rule, or NULL: the port is under none.
 */
struct smtp_rule *smtp_ct_rule(const struct nf_conn *ct)
{
	struct smtp_rule *rule = smtp_rule_find(nf_ct_net(ct), smtp_ct_port(ct));
	struct smtp_rule *named = NULL;
	u32 mark = smtp_ct_mark(ct);

	if (rule && rule->policy.by_mark && mark < SMTP_NR_PORTS)
		named = smtp_rule_find(nf_ct_net(ct), mark);
	return named ?: rule;
}

/**
 * smtp_helper_rule() - the rule that a connection is judged by
 * @ct: the connection
 *
 * Called under RCU, which alone keeps the rule.
 *
 * Return: the flow's rule, or the rule that the flow will get with the first payload
 * octet, or NULL.
 */
struct smtp_rule *smtp_helper_rule(const struct nf_conn *ct)
{
	const struct smtp_ct *data = smtp_helper_data(ct);
	const struct smtp_ct_flow *flow = data ? rcu_dereference(data->flow) : NULL;

	return flow ? flow->rule : smtp_ct_rule(ct);
}

/**
 * smtp_helper_attach() - give a new connection the helper
 * @ct: the connection, not confirmed
 * @rule: what its port is under
 * @flags: 0, or %SMTP_CT_LEFT_ALONE
 *
 * Called under RCU. A helper that the administrator chose is left in place.
 *
 * Return: false: there is no memory, the packet must be dropped.
 */
bool smtp_helper_attach(struct nf_conn *ct, const struct smtp_rule *rule,
			u8 flags)
{
	struct nf_conn_help *help = nfct_help(ct);
	struct smtp_ct *data;

	if (help && rcu_access_pointer(help->helper)) {
		if (!smtp_helper_ours(help))
			smtp_event_ct(ct, rule, SMTP_FIXUP_EVENT_OTHER_HELPER);
		return true;
	}
	if (!help)
		help = nf_ct_helper_ext_add(ct, GFP_ATOMIC);
	/* Adding the second extension may have moved the first */
	if (help)
		help = nfct_seqadj(ct) || nfct_seqadj_ext_add(ct) ?
		       nfct_help(ct) : NULL;
	if (!help) {
		smtp_event_ct(ct, rule, SMTP_FIXUP_EVENT_MEMORY_REFUSED);
		return false;
	}
	data = (struct smtp_ct *)help->data;
	memset(data, 0, sizeof(*data));
	data->flags = flags;
	/* Before 6.0, NAT takes away helpers that nobody chose by hand */
	set_bit(IPS_HELPER_BIT, &ct->status);
	smtp_ct_helper_assign(help, smtp_helper_of(ct, SMTP_HELPER_SMTP));
	return true;
}

/**
 * smtp_ct_take_flow() - take the flow out of a connection's reach
 * @data: of the connection
 *
 * Return: the flow, or NULL. The caller frees it.
 */
struct smtp_ct_flow *smtp_ct_take_flow(struct smtp_ct *data)
{
	return unrcu_pointer(xchg(&data->flow, NULL));
}

/* conntrack forgets a connection. If its ends go on, it will begin again in its middle:
 * how is it to be treated then? A connection that was not judged, or is opaque, need not
 * be remembered, unless its sequence numbers were adjusted, which nobody does any more.
 */
static enum smtp_past smtp_helper_past(const struct nf_conn *ct)
{
	const struct smtp_ct *data = nfct_help_data(ct);
	const struct smtp_ct_flow *flow = rcu_dereference(data->flow);
	u8 flags = READ_ONCE(data->flags);

	if (READ_ONCE(ct->proto.tcp.state) == TCP_CONNTRACK_TIME_WAIT)
		return SMTP_PAST_UNKNOWN;
	if (flags & SMTP_CT_ENDED || test_bit(IPS_SEQ_ADJUST_BIT, &ct->status))
		return SMTP_PAST_ENDED;
	if (flags & SMTP_CT_LEFT_ALONE || !(flags & SMTP_CT_ISN) ||
	    (flow && smtp_flow_opaque(&flow->core)))
		return SMTP_PAST_UNKNOWN;
	return SMTP_PAST_JUDGED;
}

/* conntrack calls this once, after it has set IPS_DYING. RCU, because
 * smtp_flows_net_exit() may be first to free the flow when the namespace ends.
 */
static void smtp_helper_destroy(struct nf_conn *ct)
{
	enum smtp_past what;

	rcu_read_lock();
	what = smtp_helper_past(ct);
	if (what != SMTP_PAST_UNKNOWN && check_net(nf_ct_net(ct)))
		smtp_past_remember(ct, what);
	smtp_ct_flow_free(smtp_ct_take_flow(nfct_help_data(ct)));
	rcu_read_unlock();
}

struct smtp_preexisting {
	const struct smtp_table *before;
	const struct smtp_table *now;
};

static int smtp_preexisting(struct nf_conn *ct, void *arg)
{
	const struct smtp_preexisting *tables = arg;
	const struct smtp_ct *data;
	struct smtp_rule *rule;
	u16 port;

	if (nf_ct_protonum(ct) != IPPROTO_TCP ||
	    READ_ONCE(ct->proto.tcp.state) != TCP_CONNTRACK_ESTABLISHED)
		return 0;
	port = smtp_ct_port(ct);
	rule = smtp_table_find(tables->now, port);
	rcu_read_lock();
	data = smtp_helper_data(ct);
	if (rule && !smtp_table_find(tables->before, port) &&
	    (!data || READ_ONCE(data->flags) & SMTP_CT_LEFT_ALONE))
		smtp_event_ct(ct, rule, SMTP_FIXUP_EVENT_PREEXISTING);
	rcu_read_unlock();
	return 0;
}

/**
 * smtp_helper_count_preexisting() - count connections too old for a policy
 * @net: the namespace
 * @before: its policies so far, or NULL
 * @now: its policies from now on
 *
 * Connections that are open when their port is first put under a policy are not
 * inspected. The counter tells the administrator how many those are. May sleep.
 */
void smtp_helper_count_preexisting(struct net *net,
				   const struct smtp_table *before,
				   const struct smtp_table *now)
{
	struct smtp_preexisting tables = { .before = before, .now = now };

	smtp_ct_iterate_net(net, smtp_preexisting, &tables);
}

static int smtp_ct_adjusted(struct nf_conn *ct, void *data)
{
	bool *adjusted = data;

	if (test_bit(IPS_SEQ_ADJUST_BIT, &ct->status))
		*adjusted = true;
	return 0;
}

/**
 * smtp_helper_adjusts() - does conntrack adjust sequence numbers?
 * @net: the namespace
 *
 * May sleep. Not for a namespace that is being removed.
 *
 * Return: whether it does for any connection.
 */
bool smtp_helper_adjusts(struct net *net)
{
	bool adjusted = false;

	smtp_ct_iterate_net(net, smtp_ct_adjusted, &adjusted);
	return adjusted;
}

static int smtp_ct_forget(struct nf_conn *ct, void *data)
{
	struct smtp_ct *smtp;

	rcu_read_lock();
	smtp = smtp_helper_data(ct);
	if (smtp)
		smtp_ct_flow_free(smtp_ct_take_flow(smtp));
	rcu_read_unlock();
	return 0;
}

/**
 * smtp_helper_net_exit() - free the flows of a namespace that is being removed
 * @net: the namespace; no packet comes by any more
 *
 * Also those of connections whose helper ctnetlink has removed: destroy() was not called
 * for them.
 */
void smtp_helper_net_exit(struct net *net)
{
	smtp_ct_iterate_net(net, smtp_ct_forget, NULL);
	smtp_flows_net_exit(net);
}

/**
 * smtp_helper_init() - register the helper
 * @help: what conntrack calls for each packet
 *
 * Return: 0 or a negative error; -EBUSY: somebody else has the name or the
 * port.
 */
int smtp_helper_init(smtp_ct_help_fn help)
{
	int i;

	BUILD_BUG_ON(sizeof(struct smtp_ct) >
		     sizeof_field(struct nf_conn_help, data));

	for (i = 0; i < SMTP_NR_HELPERS; i++) {
		smtp_ct_helper_init(&smtp_helper_templates[i],
				    i % 2 ? AF_INET6 : AF_INET,
				    smtp_helper_names[i / 2].name,
				    smtp_helper_names[i / 2].port,
				    &smtp_expect_policy, help);
		smtp_helper_templates[i].destroy = smtp_helper_destroy;
	}
	return smtp_ct_helpers_register(smtp_helper_templates, SMTP_NR_HELPERS,
					smtp_helpers);
}

/**
 * smtp_helper_exit() - take the helper from all connections
 *
 * The hooks must be gone, or new connections could still get it. Live
 * connections go on without it. help() and destroy run nowhere when this
 * returns; the flows are left over.
 */
void smtp_helper_exit(void)
{
	smtp_ct_helpers_unregister(smtp_helpers, SMTP_NR_HELPERS);
}
