// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family "smtp_fixup"; what its messages mean is in
 * uapi/linux/smtp_fixup.h and smtp_fixup.yaml.
 */
#include <linux/module.h>
#include <linux/mm.h>
#include <net/genetlink.h>
#include <net/sock.h>
#include "apply.h"
#include "attributes.h"
#include "../compat.h"
#include "../netns/criteria.h"
#include "../path/events.h"
#include "flows.h"
#include "flush.h"
#include "../message.h"
#include "netlink.h"
#include "../netns/netns.h"
#include "../netns/ports.h"

static struct genl_family smtp_genl_family;

static const struct nla_policy smtp_replace_policy[SMTP_FIXUP_A_POLICY + 1] = {
	[SMTP_FIXUP_A_POLICY] = NLA_POLICY_NESTED(smtp_set_policy),
};

/* The most policies of a replacement, and ranges of all of them together */
#define SMTP_REPLACE_MAX	SMTP_NR_PORTS

static const struct nla_policy smtp_flush_policy[SMTP_FIXUP_A_UNJUDGED + 1] = {
	[SMTP_FIXUP_A_PORTS] = NLA_POLICY_NESTED(smtp_ports_policy),
	[SMTP_FIXUP_A_UNJUDGED] = { .type = NLA_FLAG },
};

static int smtp_nl_parse_range(const struct nlattr *attr,
			       struct smtp_range *range,
			       struct netlink_ext_ack *extack)
{
	struct nlattr *tb[SMTP_FIXUP_PORTS_A_MAX + 1];
	int err;

	err = nla_parse_nested(tb, SMTP_FIXUP_PORTS_A_MAX, attr,
			       smtp_ports_policy, extack);
	if (err)
		return err;
	if (NL_REQ_ATTR_CHECK(extack, attr, tb, SMTP_FIXUP_PORTS_A_FIRST))
		return -EINVAL;
	range->first = nla_get_u16(tb[SMTP_FIXUP_PORTS_A_FIRST]);
	range->last = range->first;
	if (tb[SMTP_FIXUP_PORTS_A_LAST])
		range->last = nla_get_u16(tb[SMTP_FIXUP_PORTS_A_LAST]);
	if (range->last < range->first) {
		NL_SET_ERR_MSG_ATTR(extack, tb[SMTP_FIXUP_PORTS_A_LAST],
				    "The last port is lower than the first");
		return -EINVAL;
	}
	return 0;
}

/* How many attributes of this type are there? */
static u32 smtp_nl_count(const void *head, int len, int type)
{
	const struct nlattr *attr;
	u32 n = 0;
	int rem;

	nla_for_each_attr(attr, head, len, rem)
		n += nla_type(attr) == type;
	return n;
}

/* Adds the ranges, with @policy, to @settings from *n on */
static int smtp_nl_parse_ranges(const void *head, int len,
				const struct smtp_policy *policy,
				struct smtp_setting *settings, u32 *n,
				struct netlink_ext_ack *extack)
{
	const struct nlattr *attr;
	int rem, err;

	nla_for_each_attr(attr, head, len, rem) {
		if (nla_type(attr) != SMTP_FIXUP_A_PORTS)
			continue;
		settings[*n].policy = policy;
		err = smtp_nl_parse_range(attr, &settings[(*n)++].range, extack);
		if (err)
			return err;
	}
	return 0;
}

static int smtp_nl_policy_set(struct sk_buff *skb, struct genl_info *info)
{
	const void *head = genlmsg_data(info->genlhdr);
	int len = genlmsg_len(info->genlhdr);
	struct smtp_setting *settings;
	struct smtp_policy policy;
	const char *why = NULL;
	u32 n = 0;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, SMTP_FIXUP_A_PORTS) ||
	    GENL_REQ_ATTR_CHECK(info, SMTP_FIXUP_A_MODE))
		return -EINVAL;
	err = smtp_nl_parse_policy(info->attrs, &policy, info->extack);
	if (err)
		return err;
	settings = kvmalloc_array(smtp_nl_count(head, len, SMTP_FIXUP_A_PORTS),
				  sizeof(*settings), GFP_KERNEL_ACCOUNT);
	err = -ENOMEM;
	if (settings)
		err = smtp_nl_parse_ranges(head, len, &policy, settings, &n,
					   info->extack);
	if (!err)
		err = smtp_apply(genl_info_net(info), settings, n, false, &why);
	kvfree(settings);
	smtp_criteria_put(policy.criteria);
	if (err && why)
		smtp_nl_set_reason(info->extack, why);
	return err;
}

/* One SMTP_FIXUP_A_POLICY, which has what a POLICY_SET would have */
static int smtp_nl_parse_nested(const struct genl_info *info,
				const struct nlattr *nest,
				struct smtp_policy *policy,
				struct smtp_setting *settings, u32 *n)
{
	struct nlattr *tb[SMTP_SET_NR_ATTRS];
	int err;

	err = nla_parse_nested(tb, ARRAY_SIZE(tb) - 1, nest, smtp_set_policy,
			       info->extack);
	if (err)
		return err;
	if (NL_REQ_ATTR_CHECK(info->extack, nest, tb, SMTP_FIXUP_A_PORTS) ||
	    NL_REQ_ATTR_CHECK(info->extack, nest, tb, SMTP_FIXUP_A_MODE)) {
		NL_SET_BAD_ATTR(info->extack, nest);
		return -EINVAL;
	}
	err = smtp_nl_parse_policy(tb, policy, info->extack);
	if (err) {
		/* Name the policy that is wrong */
		if (info->extack && !info->extack->bad_attr)
			NL_SET_BAD_ATTR(info->extack, nest);
		return err;
	}
	err = smtp_nl_parse_ranges(nla_data(nest), nla_len(nest), policy,
				   settings, n, info->extack);
	if (err)
		smtp_criteria_put(policy->criteria);
	return err;
}

static int smtp_nl_policy_replace(struct sk_buff *skb, struct genl_info *info)
{
	const void *head = genlmsg_data(info->genlhdr);
	int len = genlmsg_len(info->genlhdr);
	u32 nr_policies = 0, nr_ranges = 0, n = 0;
	struct smtp_policy *policies;
	struct smtp_setting *settings;
	const struct nlattr *nest;
	const char *why = NULL;
	int rem, err = -ENOMEM;

	/* At most as many as there are ports: memory is asked for before any of them is
	 * read
	 */
	nla_for_each_attr(nest, head, len, rem) {
		nr_policies++;
		nr_ranges += smtp_nl_count(nla_data(nest), nla_len(nest),
					   SMTP_FIXUP_A_PORTS);
		if (nr_policies > SMTP_REPLACE_MAX ||
		    nr_ranges > SMTP_REPLACE_MAX) {
			NL_SET_ERR_MSG_ATTR(info->extack, nest,
					    "More policies or ranges than ports");
			return -E2BIG;
		}
	}
	policies = kvmalloc_array(nr_policies, sizeof(*policies),
				  GFP_KERNEL_ACCOUNT);
	settings = kvmalloc_array(nr_ranges, sizeof(*settings),
				  GFP_KERNEL_ACCOUNT);
	nr_policies = 0;
	if (!policies || !settings)
		goto out;

	nla_for_each_attr(nest, head, len, rem) {
		err = smtp_nl_parse_nested(info, nest, &policies[nr_policies],
					   settings, &n);
		if (err)
			goto out;
		nr_policies++;
		cond_resched();
	}
	err = smtp_apply(genl_info_net(info), settings, n, true, &why);
	if (err && why)
		smtp_nl_set_reason(info->extack, why);
out:
	while (nr_policies)
		smtp_criteria_put(policies[--nr_policies].criteria);
	kvfree(settings);
	kvfree(policies);
	return err;
}

/* A bit map of the ports that a request names, of all if it names none; to be freed */
static unsigned long *smtp_nl_parse_ports(struct genl_info *info)
{
	unsigned long *ports = bitmap_zalloc(SMTP_NR_PORTS, GFP_KERNEL_ACCOUNT);
	const struct nlattr *attr;
	struct smtp_range range;
	int rem, err;

	if (!ports)
		return ERR_PTR(-ENOMEM);
	if (!info->attrs[SMTP_FIXUP_A_PORTS])
		bitmap_fill(ports, SMTP_NR_PORTS);
	nla_for_each_attr(attr, genlmsg_data(info->genlhdr),
			  genlmsg_len(info->genlhdr), rem) {
		if (nla_type(attr) != SMTP_FIXUP_A_PORTS)
			continue;
		err = smtp_nl_parse_range(attr, &range, info->extack);
		if (err) {
			bitmap_free(ports);
			return ERR_PTR(err);
		}
		bitmap_set(ports, range.first, range.last - range.first + 1);
	}
	return ports;
}

static int smtp_nl_flush(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply = genlmsg_new(nla_total_size(sizeof(u32)),
					    GFP_KERNEL);
	unsigned long *ports = smtp_nl_parse_ports(info);
	int err = -ENOMEM;
	u32 flushed;
	void *hdr;

	if (IS_ERR(ports)) {
		nlmsg_free(reply);
		return PTR_ERR(ports);
	}
	if (!reply)
		goto out;
	hdr = genlmsg_put_reply(reply, info, &smtp_genl_family, 0,
				SMTP_FIXUP_CMD_FLUSH);
	if (!hdr)
		goto out;
	flushed = smtp_flush(genl_info_net(info), ports,
			     !!info->attrs[SMTP_FIXUP_A_UNJUDGED]);
	bitmap_free(ports);
	/* The reply has room for it */
	(void)nla_put_u32(reply, SMTP_FIXUP_A_FLUSHED, flushed);
	genlmsg_end(reply, hdr);
	return genlmsg_reply(reply, info);

out:
	bitmap_free(ports);
	nlmsg_free(reply);
	return err;
}

static int smtp_nl_put_ports(struct sk_buff *skb, const struct smtp_rule *rule)
{
	struct nlattr *nest = nla_nest_start(skb, SMTP_FIXUP_A_PORTS);

	if (!nest ||
	    nla_put_u16(skb, SMTP_FIXUP_PORTS_A_FIRST, rule->first) ||
	    nla_put_u16(skb, SMTP_FIXUP_PORTS_A_LAST, rule->last))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return nla_put_u8(skb, SMTP_FIXUP_A_MODE, rule->policy.mode);
}

static int smtp_nl_put_policy(struct sk_buff *skb, const struct smtp_rule *rule)
{
	if (nla_put_u64_64bit(skb, SMTP_FIXUP_A_SERIAL, rule->serial,
			      SMTP_FIXUP_A_PAD))
		return -EMSGSIZE;
	return smtp_nl_put_options(skb, &rule->policy);
}

static int smtp_nl_put_sums(struct sk_buff *skb,
			    const u64 sums[__SMTP_FIXUP_CNT_MAX])
{
	struct nlattr *nest = nla_nest_start(skb, SMTP_FIXUP_A_COUNTERS);
	int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < __SMTP_FIXUP_CNT_MAX; i++)
		if (nla_put_u64_64bit(skb, 1 + i, sums[i],
				      SMTP_FIXUP_COUNTERS_A_PAD))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int smtp_nl_put_counters(struct sk_buff *skb,
				const struct smtp_rule *rule)
{
	u64 sums[__SMTP_FIXUP_CNT_MAX];

	smtp_counters_sum(rule->counters, sums);
	return smtp_nl_put_sums(skb, sums);
}

/* Makes sure that there is room first: counters that are reset must be reported */
static int smtp_nl_take_counters(struct sk_buff *skb,
				 const struct smtp_rule *rule)
{
	u64 sums[__SMTP_FIXUP_CNT_MAX];

	if (skb_tailroom(skb) < nla_total_size(__SMTP_FIXUP_CNT_MAX *
					       nla_total_size_64bit(sizeof(u64))))
		return -EMSGSIZE;
	smtp_counters_take(rule->counters, sums);
	return smtp_nl_put_sums(skb, sums);
}

/* One message for each rule, with what @put adds to it */
static int smtp_nl_dump_rules(struct sk_buff *skb, struct netlink_callback *cb,
			      u8 cmd,
			      int (*put)(struct sk_buff *skb,
					 const struct smtp_rule *rule))
{
	struct smtp_dump *dump = (struct smtp_dump *)cb->ctx;
	const struct smtp_table *table;

	rcu_read_lock();
	table = rcu_dereference(smtp_pernet(sock_net(skb->sk))->table);
	cb->seq = table ? table->seq : 0;
	for (; table && dump->index < table->nr; dump->index++) {
		const struct smtp_rule *rule = table->rules[dump->index];
		void *hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
					cb->nlh->nlmsg_seq, &smtp_genl_family,
					NLM_F_MULTI, cmd);

		if (!hdr)
			break;
		genl_dump_check_consistent(cb, hdr);
		if (smtp_nl_put_ports(skb, rule) || put(skb, rule)) {
			genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
	}
	rcu_read_unlock();
	return skb->len;
}

/* A policy's message: its matches, and all else */
#define SMTP_POLICY_MESSAGE_MAX	(SMTP_FIXUP_PATTERNS_MAX + \
				 SMTP_FIXUP_MATCHES_MAX * (40 + SMTP_FIXUP_FIELD_MAX) + \
				 4096)

static int smtp_nl_policy_start(struct netlink_callback *cb)
{
	cb->min_dump_alloc = SMTP_POLICY_MESSAGE_MAX;
	return 0;
}

static int smtp_nl_policy_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return smtp_nl_dump_rules(skb, cb, SMTP_FIXUP_CMD_POLICY_GET,
				  smtp_nl_put_policy);
}

static int smtp_nl_stats_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return smtp_nl_dump_rules(skb, cb, SMTP_FIXUP_CMD_STATS_GET,
				  smtp_nl_put_counters);
}

static int smtp_nl_stats_zero_dump(struct sk_buff *skb,
				   struct netlink_callback *cb)
{
	return smtp_nl_dump_rules(skb, cb, SMTP_FIXUP_CMD_STATS_ZERO,
				  smtp_nl_take_counters);
}

static int smtp_nl_flows_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return smtp_flows_dump(skb, cb, &smtp_genl_family);
}

static const struct genl_ops smtp_genl_ops[] = {
	{
		.cmd = SMTP_FIXUP_CMD_POLICY_SET,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = smtp_set_policy,
		.maxattr = SMTP_SET_NR_ATTRS - 1,
		.doit = smtp_nl_policy_set,
	},
	{
		.cmd = SMTP_FIXUP_CMD_POLICY_GET,
		.start = smtp_nl_policy_start,
		.dumpit = smtp_nl_policy_dump,
	},
	{
		.cmd = SMTP_FIXUP_CMD_STATS_GET,
		.dumpit = smtp_nl_stats_dump,
	},
	{
		/* Not every user may know who talks to whom */
		.cmd = SMTP_FIXUP_CMD_FLOW_GET,
		.flags = GENL_UNS_ADMIN_PERM,
		.dumpit = smtp_nl_flows_dump,
	},
	{
		.cmd = SMTP_FIXUP_CMD_POLICY_REPLACE,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = smtp_replace_policy,
		.maxattr = ARRAY_SIZE(smtp_replace_policy) - 1,
		.doit = smtp_nl_policy_replace,
	},
	{
		.cmd = SMTP_FIXUP_CMD_FLUSH,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = smtp_flush_policy,
		.maxattr = ARRAY_SIZE(smtp_flush_policy) - 1,
		.doit = smtp_nl_flush,
	},
	{
		.cmd = SMTP_FIXUP_CMD_STATS_ZERO,
		.flags = GENL_UNS_ADMIN_PERM,
		.dumpit = smtp_nl_stats_zero_dump,
	},
};

static const struct genl_multicast_group smtp_genl_groups[] = {
	/* Not every user may know who talks to whom */
	{ .name = SMTP_FIXUP_MCGRP_EVENTS, SMTP_MCGRP_NET_ADMIN },
};

/* resv_start_op stays 0: everything is validated strictly in every command */
static struct genl_family smtp_genl_family __ro_after_init = {
	.name = SMTP_FIXUP_GENL_NAME,
	.version = SMTP_FIXUP_GENL_VERSION,
	.netnsok = true,
	.module = THIS_MODULE,
	.ops = smtp_genl_ops,
	.n_ops = ARRAY_SIZE(smtp_genl_ops),
	.mcgrps = smtp_genl_groups,
	.n_mcgrps = ARRAY_SIZE(smtp_genl_groups),
};

/**
 * smtp_netlink_init() - register the family
 *
 * Return: 0 or a negative error.
 */
int __init smtp_netlink_init(void)
{
	int err;

	/* A netlink policy's mask has 32 bits */
	BUILD_BUG_ON(__SMTP_FIXUP_VERB_MAX > 32);
	err = genl_register_family(&smtp_genl_family);
	if (!err)
		smtp_events_start(&smtp_genl_family);
	return err;
}

/**
 * smtp_netlink_exit() - unregister the family
 *
 * No message is being worked on when this returns.
 */
void smtp_netlink_exit(void)
{
	smtp_events_stop();
	genl_unregister_family(&smtp_genl_family);
}
