// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family "smtp_fixup"; what its messages mean is in
 * uapi/linux/smtp_fixup.h and smtp_fixup.yaml.
 */
#include <linux/module.h>
#include <linux/mm.h>
#include <net/genetlink.h>
#include <net/sock.h>
#include <net/netfilter/nf_conntrack_core.h>
#include "compat.h"
#include "events.h"
#include "flow.h"
#include "flush.h"
#include "helper.h"
#include "netlink.h"
#include "netns.h"

static const struct nla_policy
smtp_ports_policy[SMTP_FIXUP_PORTS_A_MAX + 1] = {
	[SMTP_FIXUP_PORTS_A_FIRST] = NLA_POLICY_MIN(NLA_U16, 1),
	[SMTP_FIXUP_PORTS_A_LAST] = NLA_POLICY_MIN(NLA_U16, 1),
};

#define SMTP_VERBS_KNOWN	((1ULL << __SMTP_FIXUP_VERB_MAX) - 1)
#define SMTP_KEYWORDS_KNOWN	((1ULL << __SMTP_FIXUP_KEYWORD_MAX) - 1)

static const struct nla_policy
smtp_limit_policy[SMTP_FIXUP_LIMIT_A_MAX + 1] = {
	[SMTP_FIXUP_LIMIT_A_MAX_VALUE] = { .type = NLA_U16 },
	[SMTP_FIXUP_LIMIT_A_ACTION] =
		NLA_POLICY_MAX(NLA_U8, __SMTP_FIXUP_ACTION_MAX - 1),
};

#define SMTP_LIMIT(name) \
	[1 + SMTP_FIXUP_LIMIT_##name] = NLA_POLICY_NESTED(smtp_limit_policy)

static const struct nla_policy smtp_limits_policy[__SMTP_FIXUP_LIMIT_MAX + 1] = {
	SMTP_LIMIT(COMMAND_LINE),
	SMTP_LIMIT(RCPT),
	SMTP_LIMIT(SENDER),
	SMTP_LIMIT(HEADER_LINE),
	SMTP_LIMIT(BODY_LINE),
	SMTP_LIMIT(MIME_FILENAME),
};

static const struct nla_policy smtp_set_policy[SMTP_FIXUP_A_BY_MARK + 1] = {
	[SMTP_FIXUP_A_PORTS] = NLA_POLICY_NESTED(smtp_ports_policy),
	[SMTP_FIXUP_A_MODE] = NLA_POLICY_MAX(NLA_U8, __SMTP_FIXUP_MODE_MAX - 1),
	[SMTP_FIXUP_A_BANNER] =
		NLA_POLICY_MAX(NLA_U8, __SMTP_FIXUP_BANNER_MAX - 1),
	[SMTP_FIXUP_A_TLS] = NLA_POLICY_MAX(NLA_U8, __SMTP_FIXUP_TLS_MAX - 1),
	[SMTP_FIXUP_A_VERBS] = NLA_POLICY_MASK(NLA_U64, SMTP_VERBS_KNOWN),
	[SMTP_FIXUP_A_KEYWORDS] = NLA_POLICY_MASK(NLA_U64, SMTP_KEYWORDS_KNOWN),
	[SMTP_FIXUP_A_BANNER_TEXT] = { .type = NLA_NUL_STRING,
				       .len = SMTP_FIXUP_TEXT_MAX },
	[SMTP_FIXUP_A_REJECT] =
		NLA_POLICY_MAX(NLA_U8, __SMTP_FIXUP_REJECT_MAX - 1),
	[SMTP_FIXUP_A_EHLO] = NLA_POLICY_MAX(NLA_U8, __SMTP_FIXUP_EHLO_MAX - 1),
	[SMTP_FIXUP_A_SPECIAL] =
		NLA_POLICY_MAX(NLA_U8, __SMTP_FIXUP_SPECIAL_MAX - 1),
	[SMTP_FIXUP_A_LIMITS] = NLA_POLICY_NESTED(smtp_limits_policy),
	[SMTP_FIXUP_A_OBSERVE] = { .type = NLA_FLAG },
	[SMTP_FIXUP_A_KEEP_ESMTP] = { .type = NLA_FLAG },
	[SMTP_FIXUP_A_SMUGGLING] =
		NLA_POLICY_MAX(NLA_U8, __SMTP_FIXUP_SMUGGLING_MAX - 1),
	[SMTP_FIXUP_A_LINE_ENDING] =
		NLA_POLICY_MAX(NLA_U8, __SMTP_FIXUP_LINE_ENDING_MAX - 1),
	[SMTP_FIXUP_A_MIDSTREAM] =
		NLA_POLICY_MAX(NLA_U8, __SMTP_FIXUP_MIDSTREAM_MAX - 1),
	[SMTP_FIXUP_A_STRICT] = { .type = NLA_FLAG },
	[SMTP_FIXUP_A_IIF] = { .type = NLA_NUL_STRING,
			       .len = SMTP_FIXUP_IIF_MAX },
	[SMTP_FIXUP_A_ASSIGN] =
		NLA_POLICY_MAX(NLA_U8, __SMTP_FIXUP_ASSIGN_MAX - 1),
	[SMTP_FIXUP_A_BY_MARK] = { .type = NLA_FLAG },
};

static const struct nla_policy smtp_replace_policy[SMTP_FIXUP_A_POLICY + 1] = {
	[SMTP_FIXUP_A_POLICY] = NLA_POLICY_NESTED(smtp_set_policy),
};

static const struct nla_policy smtp_flush_policy[SMTP_FIXUP_A_PORTS + 1] = {
	[SMTP_FIXUP_A_PORTS] = NLA_POLICY_NESTED(smtp_ports_policy),
};

/* Where a dump goes on: a rule, or a conntrack of a bucket */
struct smtp_dump {
	u32 index;
	u32 skip;
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

/* How many attributes of a type stand there? */
static u32 smtp_nl_count(const void *head, int len, int type)
{
	const struct nlattr *attr;
	u32 n = 0;
	int rem;

	nla_for_each_attr(attr, head, len, rem)
		n += nla_type(attr) == type;
	return n;
}

/* Puts each range that stands there under @policy, in @settings from *n on */
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

static void smtp_nl_set_reason(struct netlink_ext_ack *extack, const char *why)
{
	if (extack)
		extack->_msg = why;
}

/* Refuses the message for @why, if there is a reason; @attr is at fault */
static int smtp_nl_refuse(struct netlink_ext_ack *extack,
			  const struct nlattr *attr, const char *why)
{
	if (!why)
		return 0;
	smtp_nl_set_reason(extack, why);
	if (attr)
		NL_SET_BAD_ATTR(extack, attr);
	return -EINVAL;
}

static int smtp_nl_parse_banner(struct genl_info *info,
				struct smtp_policy *policy)
{
	const struct nlattr *text = info->attrs[SMTP_FIXUP_A_BANNER_TEXT];

	if (info->attrs[SMTP_FIXUP_A_BANNER])
		policy->banner = nla_get_u8(info->attrs[SMTP_FIXUP_A_BANNER]);
	if (!text)
		return 0;
	if (policy->banner != SMTP_FIXUP_BANNER_TEXT)
		return smtp_nl_refuse(info->extack, text,
				      "A text goes with banner text only");
	return smtp_nl_refuse(info->extack, text,
			      smtp_policy_set_text(policy, nla_data(text),
						   strlen(nla_data(text))));
}

static int smtp_nl_parse_limit(const struct nlattr *attr,
			       struct smtp_limit *limit,
			       struct netlink_ext_ack *extack)
{
	struct nlattr *tb[SMTP_FIXUP_LIMIT_A_MAX + 1];
	int err;

	err = nla_parse_nested(tb, SMTP_FIXUP_LIMIT_A_MAX, attr,
			       smtp_limit_policy, extack);
	if (err)
		return err;
	if (tb[SMTP_FIXUP_LIMIT_A_MAX_VALUE])
		limit->max = nla_get_u16(tb[SMTP_FIXUP_LIMIT_A_MAX_VALUE]);
	if (tb[SMTP_FIXUP_LIMIT_A_ACTION])
		limit->action = nla_get_u8(tb[SMTP_FIXUP_LIMIT_A_ACTION]);
	return 0;
}

static int smtp_nl_parse_limits(struct genl_info *info,
				struct smtp_policy *policy)
{
	struct nlattr *tb[__SMTP_FIXUP_LIMIT_MAX + 1];
	int err, i;

	if (!info->attrs[SMTP_FIXUP_A_LIMITS])
		return 0;
	err = nla_parse_nested(tb, __SMTP_FIXUP_LIMIT_MAX,
			       info->attrs[SMTP_FIXUP_A_LIMITS],
			       smtp_limits_policy, info->extack);
	for (i = 0; i < __SMTP_FIXUP_LIMIT_MAX && !err; i++)
		if (tb[1 + i])
			err = smtp_nl_parse_limit(tb[1 + i], &policy->limits[i],
						  info->extack);
	if (err)
		return err;
	return smtp_nl_refuse(info->extack, info->attrs[SMTP_FIXUP_A_LIMITS],
			      smtp_limits_check(policy));
}

static int smtp_nl_parse_iif(struct genl_info *info, struct smtp_policy *policy)
{
	const struct nlattr *iif = info->attrs[SMTP_FIXUP_A_IIF];

	if (!iif)
		return 0;
	return smtp_nl_refuse(info->extack, iif,
			      smtp_policy_set_iif(policy, nla_data(iif),
						  strlen(nla_data(iif))));
}

static int smtp_nl_parse_policy(struct genl_info *info,
				struct smtp_policy *policy)
{
	struct nlattr **attrs = info->attrs;
	const char *why;
	int err, i;
	u8 fault;

	smtp_policy_init(policy, nla_get_u8(attrs[SMTP_FIXUP_A_MODE]));
	for (i = SMTP_FIXUP_A_MODE + 1; i < ARRAY_SIZE(smtp_set_policy); i++) {
		if (attrs[i] && policy->mode == SMTP_FIXUP_MODE_OFF)
			return smtp_nl_refuse(info->extack, attrs[i],
					      "Mode off takes no options");
	}
	if (nla_get_flag(attrs[SMTP_FIXUP_A_STRICT]))
		smtp_policy_set_strict(policy);
	err = smtp_nl_parse_banner(info, policy) ?:
	      smtp_nl_parse_iif(info, policy);
	if (err)
		return err;
	if (attrs[SMTP_FIXUP_A_TLS])
		smtp_policy_set_tls(policy, nla_get_u8(attrs[SMTP_FIXUP_A_TLS]));
	if (attrs[SMTP_FIXUP_A_VERBS])
		smtp_policy_set_verbs(policy,
				      nla_get_u64(attrs[SMTP_FIXUP_A_VERBS]));
	if (attrs[SMTP_FIXUP_A_KEYWORDS])
		policy->keywords = nla_get_u64(attrs[SMTP_FIXUP_A_KEYWORDS]);
	if (attrs[SMTP_FIXUP_A_REJECT])
		policy->reject = nla_get_u8(attrs[SMTP_FIXUP_A_REJECT]);
	if (attrs[SMTP_FIXUP_A_EHLO])
		policy->ehlo = nla_get_u8(attrs[SMTP_FIXUP_A_EHLO]);
	if (attrs[SMTP_FIXUP_A_SPECIAL])
		policy->special = nla_get_u8(attrs[SMTP_FIXUP_A_SPECIAL]);
	if (attrs[SMTP_FIXUP_A_SMUGGLING])
		policy->smuggling = nla_get_u8(attrs[SMTP_FIXUP_A_SMUGGLING]);
	if (attrs[SMTP_FIXUP_A_LINE_ENDING])
		policy->line_ending = nla_get_u8(attrs[SMTP_FIXUP_A_LINE_ENDING]);
	if (attrs[SMTP_FIXUP_A_MIDSTREAM])
		policy->midstream = nla_get_u8(attrs[SMTP_FIXUP_A_MIDSTREAM]);
	if (attrs[SMTP_FIXUP_A_ASSIGN])
		policy->assign = nla_get_u8(attrs[SMTP_FIXUP_A_ASSIGN]);
	policy->by_mark = nla_get_flag(attrs[SMTP_FIXUP_A_BY_MARK]);
	if (policy->by_mark && !IS_ENABLED(CONFIG_NF_CONNTRACK_MARK))
		return smtp_nl_refuse(info->extack, attrs[SMTP_FIXUP_A_BY_MARK],
				      "This kernel's connections have no marks");
	policy->observe = nla_get_flag(attrs[SMTP_FIXUP_A_OBSERVE]);
	policy->keep_esmtp = nla_get_flag(attrs[SMTP_FIXUP_A_KEEP_ESMTP]);
	err = smtp_nl_parse_limits(info, policy);
	if (err)
		return err;

	/* An option that the mode brought is at odds with one that was given */
	why = smtp_policy_check(policy, &fault);
	return smtp_nl_refuse(info->extack, attrs[fault] ?:
					    attrs[SMTP_FIXUP_A_VERBS] ?:
					    attrs[SMTP_FIXUP_A_BANNER], why);
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
	err = smtp_nl_parse_policy(info, &policy);
	if (err)
		return err;
	settings = kvmalloc_array(smtp_nl_count(head, len, SMTP_FIXUP_A_PORTS),
				  sizeof(*settings), GFP_KERNEL_ACCOUNT);
	if (!settings)
		return -ENOMEM;
	err = smtp_nl_parse_ranges(head, len, &policy, settings, &n,
				   info->extack);
	if (!err)
		err = smtp_ports_set(genl_info_net(info), settings, n, false,
				     &why);
	kvfree(settings);
	if (err && why)
		smtp_nl_set_reason(info->extack, why);
	return err;
}

/* One SMTP_FIXUP_A_POLICY: what a set would be */
static int smtp_nl_parse_nested(const struct genl_info *info,
				const struct nlattr *nest,
				struct smtp_policy *policy,
				struct smtp_setting *settings, u32 *n)
{
	struct nlattr *tb[ARRAY_SIZE(smtp_set_policy)];
	struct genl_info inner = *info;
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
	inner.attrs = tb;
	err = smtp_nl_parse_policy(&inner, policy);
	if (err) {
		/* Whatever is wrong, say with which of them */
		if (info->extack && !info->extack->bad_attr)
			NL_SET_BAD_ATTR(info->extack, nest);
		return err;
	}
	return smtp_nl_parse_ranges(nla_data(nest), nla_len(nest), policy,
				    settings, n, info->extack);
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

	nla_for_each_attr(nest, head, len, rem) {
		nr_policies++;
		nr_ranges += smtp_nl_count(nla_data(nest), nla_len(nest),
					   SMTP_FIXUP_A_PORTS);
	}
	policies = kvmalloc_array(nr_policies, sizeof(*policies),
				  GFP_KERNEL_ACCOUNT);
	settings = kvmalloc_array(nr_ranges, sizeof(*settings),
				  GFP_KERNEL_ACCOUNT);
	if (!policies || !settings)
		goto out;

	nr_policies = 0;
	nla_for_each_attr(nest, head, len, rem) {
		err = smtp_nl_parse_nested(info, nest, &policies[nr_policies++],
					   settings, &n);
		if (err)
			goto out;
		cond_resched();
	}
	err = smtp_ports_set(genl_info_net(info), settings, n, true, &why);
	if (err && why)
		smtp_nl_set_reason(info->extack, why);
out:
	kvfree(settings);
	kvfree(policies);
	return err;
}

/* The ports that a request names, all if none: a bit each; to be freed */
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
	flushed = smtp_flush(genl_info_net(info), ports);
	bitmap_free(ports);
	/* There is room for it */
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

/* The operator's words: without the code and CRLF */
static int smtp_nl_put_text(struct sk_buff *skb, const struct smtp_policy *policy)
{
	u32 n = policy->text_len - 6;
	struct nlattr *attr = nla_reserve(skb, SMTP_FIXUP_A_BANNER_TEXT, n + 1);

	if (!attr)
		return -EMSGSIZE;
	memcpy(nla_data(attr), policy->text + 4, n);
	((char *)nla_data(attr))[n] = '\0';
	return 0;
}

static int smtp_nl_put_limits(struct sk_buff *skb,
			      const struct smtp_policy *policy)
{
	struct nlattr *limits = nla_nest_start(skb, SMTP_FIXUP_A_LIMITS);
	int i;

	if (!limits)
		return -EMSGSIZE;
	for (i = 0; i < __SMTP_FIXUP_LIMIT_MAX; i++) {
		struct nlattr *nest = nla_nest_start(skb, 1 + i);

		if (!nest ||
		    nla_put_u16(skb, SMTP_FIXUP_LIMIT_A_MAX_VALUE,
				policy->limits[i].max) ||
		    nla_put_u8(skb, SMTP_FIXUP_LIMIT_A_ACTION,
			       policy->limits[i].action))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	nla_nest_end(skb, limits);
	return 0;
}

static int smtp_nl_put_policy(struct sk_buff *skb, const struct smtp_rule *rule)
{
	const struct smtp_policy *policy = &rule->policy;

	if (nla_put_u64_64bit(skb, SMTP_FIXUP_A_SERIAL, rule->serial,
			      SMTP_FIXUP_A_PAD) ||
	    nla_put_u8(skb, SMTP_FIXUP_A_BANNER, policy->banner) ||
	    nla_put_u8(skb, SMTP_FIXUP_A_TLS, policy->tls) ||
	    nla_put_u64_64bit(skb, SMTP_FIXUP_A_VERBS, policy->verbs,
			      SMTP_FIXUP_A_PAD) ||
	    nla_put_u64_64bit(skb, SMTP_FIXUP_A_KEYWORDS, policy->keywords,
			      SMTP_FIXUP_A_PAD) ||
	    nla_put_u8(skb, SMTP_FIXUP_A_REJECT, policy->reject) ||
	    nla_put_u8(skb, SMTP_FIXUP_A_EHLO, policy->ehlo) ||
	    nla_put_u8(skb, SMTP_FIXUP_A_SPECIAL, policy->special) ||
	    nla_put_u8(skb, SMTP_FIXUP_A_SMUGGLING, policy->smuggling) ||
	    nla_put_u8(skb, SMTP_FIXUP_A_LINE_ENDING, policy->line_ending) ||
	    nla_put_u8(skb, SMTP_FIXUP_A_MIDSTREAM, policy->midstream) ||
	    nla_put_u8(skb, SMTP_FIXUP_A_ASSIGN, policy->assign) ||
	    (policy->by_mark && nla_put_flag(skb, SMTP_FIXUP_A_BY_MARK)) ||
	    (policy->strict && nla_put_flag(skb, SMTP_FIXUP_A_STRICT)) ||
	    (policy->observe && nla_put_flag(skb, SMTP_FIXUP_A_OBSERVE)) ||
	    (policy->keep_esmtp && nla_put_flag(skb, SMTP_FIXUP_A_KEEP_ESMTP)) ||
	    (*policy->iif && nla_put_string(skb, SMTP_FIXUP_A_IIF, policy->iif)) ||
	    smtp_nl_put_limits(skb, policy))
		return -EMSGSIZE;
	if (!policy->text_len)
		return 0;
	return smtp_nl_put_text(skb, policy);
}

static int smtp_nl_put_counters(struct sk_buff *skb,
				const struct smtp_rule *rule)
{
	struct nlattr *nest = nla_nest_start(skb, SMTP_FIXUP_A_COUNTERS);
	u64 sums[__SMTP_FIXUP_CNT_MAX];
	int i;

	if (!nest)
		return -EMSGSIZE;
	smtp_counters_sum(rule->counters, sums);
	for (i = 0; i < __SMTP_FIXUP_CNT_MAX; i++)
		if (nla_put_u64_64bit(skb, 1 + i, sums[i],
				      SMTP_FIXUP_COUNTERS_A_PAD))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
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

/**
 * smtp_nl_put_end() - one end of a connection
 * @skb: the message
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 * @address: number of the attribute for @addr
 * @addr: its address
 * @port: number of the attribute for @number
 * @number: its port
 *
 * Return: 0, or not: no room.
 */
int smtp_nl_put_end(struct sk_buff *skb, int family, int address,
		    const union nf_inet_addr *addr, int port, __be16 number)
{
	size_t len = family == NFPROTO_IPV4 ? sizeof(addr->ip) :
					      sizeof(addr->ip6);

	return nla_put(skb, address, len, addr) ||
	       nla_put_u16(skb, port, ntohs(number));
}

/* The rule is the flow's, or what it will get with its first payload octet */
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

		phase = READ_ONCE(s->phase);
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

/* One conntrack, of whatever kind. -EMSGSIZE: it needs another skb */
static int smtp_nl_dump_ct(struct sk_buff *skb, struct netlink_callback *cb,
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
	rule = flow ? flow->rule : smtp_ct_rule(ct);
	if (!rule)
		return 0;

	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			  &smtp_genl_family, NLM_F_MULTI,
			  SMTP_FIXUP_CMD_FLOW_GET);
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

/* One bucket of conntrack's table, under its lock like ctnetlink does it */
static int smtp_nl_dump_bucket(struct sk_buff *skb, struct netlink_callback *cb,
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
	/* The table may have become smaller */
	if (dump->index < nf_conntrack_htable_size) {
		hlist_nulls_for_each_entry(h, n, &nf_conntrack_hash[dump->index],
					   hnnode) {
			if (NF_CT_DIRECTION(h) != IP_CT_DIR_ORIGINAL ||
			    nr++ < dump->skip)
				continue;
			err = smtp_nl_dump_ct(skb, cb,
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

static int smtp_nl_flow_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct smtp_dump *dump = (struct smtp_dump *)cb->ctx;

	/* Another size, another order: the dump was interrupted */
	cb->seq = nf_conntrack_htable_size;
	for (; dump->index < nf_conntrack_htable_size; dump->index++) {
		int err;

		rcu_read_lock();
		err = smtp_nl_dump_bucket(skb, cb, dump);
		rcu_read_unlock();
		if (err)
			break;
		dump->skip = 0;
		cond_resched();
	}
	return skb->len;
}

static const struct genl_ops smtp_genl_ops[] = {
	{
		.cmd = SMTP_FIXUP_CMD_POLICY_SET,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = smtp_set_policy,
		.maxattr = ARRAY_SIZE(smtp_set_policy) - 1,
		.doit = smtp_nl_policy_set,
	},
	{
		.cmd = SMTP_FIXUP_CMD_POLICY_GET,
		.dumpit = smtp_nl_policy_dump,
	},
	{
		.cmd = SMTP_FIXUP_CMD_STATS_GET,
		.dumpit = smtp_nl_stats_dump,
	},
	{
		/* Who talks to whom is not for everybody to know */
		.cmd = SMTP_FIXUP_CMD_FLOW_GET,
		.flags = GENL_UNS_ADMIN_PERM,
		.dumpit = smtp_nl_flow_dump,
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
};

static const struct genl_multicast_group smtp_genl_groups[] = {
	/* As flows: not for everybody to know */
	{ .name = SMTP_FIXUP_MCGRP_EVENTS, SMTP_MCGRP_NET_ADMIN },
};

/* resv_start_op stays 0: everything is validated strictly in every command */
struct genl_family smtp_genl_family __ro_after_init = {
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
		smtp_events_start();
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
