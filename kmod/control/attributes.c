// SPDX-License-Identifier: GPL-2.0-only
/* The attributes of a policy. See attributes.h. */
#include <net/netlink.h>
#include "attributes.h"
#include "../netns/criteria.h"
#include "../core/policy/fields.h"

const struct nla_policy
smtp_ports_policy[SMTP_FIXUP_PORTS_A_MAX + 1] = {
	[SMTP_FIXUP_PORTS_A_FIRST] = NLA_POLICY_MIN(NLA_U16, 1),
	[SMTP_FIXUP_PORTS_A_LAST] = NLA_POLICY_MIN(NLA_U16, 1),
};

#define SMTP_VERBS_KNOWN	((1ULL << __SMTP_FIXUP_VERB_MAX) - 1)
#define SMTP_KEYWORDS_KNOWN	((1ULL << __SMTP_FIXUP_KEYWORD_MAX) - 1)

static const struct nla_policy
smtp_limit_policy[SMTP_FIXUP_LIMIT_A_MAX + 1] = {
	[SMTP_FIXUP_LIMIT_A_MAX_VALUE] = { .type = NLA_U32 },
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
	SMTP_LIMIT(MESSAGE),
	SMTP_LIMIT(HEADER_LENGTH),
	SMTP_LIMIT(TO_FIELDS),
	SMTP_LIMIT(INVALID_RECIPIENTS),
	SMTP_LIMIT(REPLY_LINE),
	SMTP_LIMIT(BDAT_CHUNK),
	SMTP_LIMIT(XEXCH50_BLOCK),
	SMTP_LIMIT(RATE),
	SMTP_LIMIT(SOURCE_RATE),
};

#define SMTP_NLA_WORD(A, member, name, help)	\
	[SMTP_FIXUP_A_##A] = NLA_POLICY_MAX(NLA_U8, __SMTP_FIXUP_##A##_MAX - 1),
#define SMTP_NLA_FLAG(A, member, name, help)	\
	[SMTP_FIXUP_A_##A] = { .type = NLA_FLAG },
#define SMTP_NLA_OTHER(name)

const struct nla_policy smtp_set_policy[SMTP_SET_NR_ATTRS] = {
	[SMTP_FIXUP_A_PORTS] = NLA_POLICY_NESTED(smtp_ports_policy),
	[SMTP_FIXUP_A_MODE] = NLA_POLICY_MAX(NLA_U8, __SMTP_FIXUP_MODE_MAX - 1),
	[SMTP_FIXUP_A_VERBS] = NLA_POLICY_MASK(NLA_U64, SMTP_VERBS_KNOWN),
	[SMTP_FIXUP_A_KEYWORDS] = NLA_POLICY_MASK(NLA_U64, SMTP_KEYWORDS_KNOWN),
	[SMTP_FIXUP_A_BANNER_TEXT] = { .type = NLA_NUL_STRING,
				       .len = SMTP_FIXUP_TEXT_MAX },
	[SMTP_FIXUP_A_LIMITS] = NLA_POLICY_NESTED(smtp_limits_policy),
	[SMTP_FIXUP_A_IIF] = { .type = NLA_NUL_STRING,
			       .len = SMTP_FIXUP_IIF_MAX },
	[SMTP_FIXUP_A_MATCHES] = NLA_POLICY_NESTED(smtp_matches_policy),
	[SMTP_FIXUP_A_TABLES] = NLA_POLICY_NESTED(smtp_tables_policy),
	SMTP_POLICY_FIELDS(SMTP_NLA_WORD, SMTP_NLA_WORD, SMTP_NLA_FLAG,
			   SMTP_NLA_OTHER)
};

/* Refuses the message if there is a reason @why; @attr is at fault */
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

static int smtp_nl_parse_text(struct nlattr **attrs, struct smtp_policy *policy,
			      struct netlink_ext_ack *extack)
{
	const struct nlattr *text = attrs[SMTP_FIXUP_A_BANNER_TEXT];

	if (!text)
		return 0;
	if (policy->banner != SMTP_FIXUP_BANNER_TEXT)
		return smtp_nl_refuse(extack, text,
				      "A text goes with banner text only");
	return smtp_nl_refuse(extack, text,
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
		limit->max = nla_get_u32(tb[SMTP_FIXUP_LIMIT_A_MAX_VALUE]);
	if (tb[SMTP_FIXUP_LIMIT_A_ACTION])
		limit->action = nla_get_u8(tb[SMTP_FIXUP_LIMIT_A_ACTION]);
	return 0;
}

static int smtp_nl_parse_limits(struct nlattr **attrs,
				struct smtp_policy *policy,
				struct netlink_ext_ack *extack)
{
	struct nlattr *tb[__SMTP_FIXUP_LIMIT_MAX + 1];
	int err, i;

	if (!attrs[SMTP_FIXUP_A_LIMITS])
		return 0;
	err = nla_parse_nested(tb, __SMTP_FIXUP_LIMIT_MAX,
			       attrs[SMTP_FIXUP_A_LIMITS],
			       smtp_limits_policy, extack);
	for (i = 0; i < __SMTP_FIXUP_LIMIT_MAX && !err; i++)
		if (tb[1 + i])
			err = smtp_nl_parse_limit(tb[1 + i], &policy->limits[i],
						  extack);
	if (err)
		return err;
	return smtp_nl_refuse(extack, attrs[SMTP_FIXUP_A_LIMITS],
			      smtp_limits_check(policy));
}

static int smtp_nl_parse_iif(struct nlattr **attrs, struct smtp_policy *policy,
			     struct netlink_ext_ack *extack)
{
	const struct nlattr *iif = attrs[SMTP_FIXUP_A_IIF];

	if (!iif)
		return 0;
	return smtp_nl_refuse(extack, iif,
			      smtp_policy_set_iif(policy, nla_data(iif),
						  strlen(nla_data(iif))));
}

static void smtp_nl_parse_fields(struct nlattr **attrs,
				 struct smtp_policy *policy)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(smtp_fields); i++) {
		const struct smtp_field *f = &smtp_fields[i];
		const struct nlattr *attr = attrs[f->attr];

		if (attr)
			*smtp_field(policy, f) = f->flag ? true :
						 nla_get_u8(attr);
	}
}

int smtp_nl_parse_policy(struct nlattr **attrs, struct smtp_policy *policy,
			 struct netlink_ext_ack *extack)
{
	const char *why;
	int err, i;
	u8 fault;

	smtp_policy_init(policy, nla_get_u8(attrs[SMTP_FIXUP_A_MODE]));
	for (i = SMTP_FIXUP_A_MODE + 1; i < SMTP_SET_NR_ATTRS; i++) {
		if (attrs[i] && policy->mode == SMTP_FIXUP_MODE_OFF)
			return smtp_nl_refuse(extack, attrs[i],
					      "Mode off takes no options");
	}
	/* First the options whose consequences other options may change */
	if (nla_get_flag(attrs[SMTP_FIXUP_A_STRICT]))
		smtp_policy_set_strict(policy);
	smtp_nl_parse_fields(attrs, policy);
	smtp_policy_set_tls(policy, policy->tls);
	if (attrs[SMTP_FIXUP_A_VERBS])
		smtp_policy_set_verbs(policy,
				      nla_get_u64(attrs[SMTP_FIXUP_A_VERBS]));
	if (attrs[SMTP_FIXUP_A_KEYWORDS])
		policy->keywords = nla_get_u64(attrs[SMTP_FIXUP_A_KEYWORDS]);
	if (policy->by_mark && !IS_ENABLED(CONFIG_NF_CONNTRACK_MARK))
		return smtp_nl_refuse(extack, attrs[SMTP_FIXUP_A_BY_MARK],
				      "This kernel's connections have no marks");
	err = smtp_nl_parse_text(attrs, policy, extack) ?:
	      smtp_nl_parse_iif(attrs, policy, extack) ?:
	      smtp_nl_parse_limits(attrs, policy, extack) ?:
	      smtp_criteria_parse(attrs[SMTP_FIXUP_A_MATCHES],
				  attrs[SMTP_FIXUP_A_TABLES],
				  &policy->criteria, extack);
	if (err)
		return err;

	/* Or an option of the mode contradicts one that was given */
	why = smtp_policy_check(policy, &fault);
	err = smtp_nl_refuse(extack, attrs[fault] ?:
				     attrs[SMTP_FIXUP_A_VERBS] ?:
				     attrs[SMTP_FIXUP_A_BANNER], why);
	if (err)
		smtp_criteria_put(policy->criteria);
	return err;
}

/* The operator's text, without the code and CRLF */
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
		    nla_put_u32(skb, SMTP_FIXUP_LIMIT_A_MAX_VALUE,
				policy->limits[i].max) ||
		    nla_put_u8(skb, SMTP_FIXUP_LIMIT_A_ACTION,
			       policy->limits[i].action))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	nla_nest_end(skb, limits);
	return 0;
}

static int smtp_nl_put_fields(struct sk_buff *skb,
			      const struct smtp_policy *policy)
{
	int i, err = 0;

	for (i = 0; i < ARRAY_SIZE(smtp_fields) && !err; i++) {
		const struct smtp_field *f = &smtp_fields[i];
		u8 value = ((const u8 *)policy)[f->offset];

		if (!f->flag)
			err = nla_put_u8(skb, f->attr, value);
		else if (value)
			err = nla_put_flag(skb, f->attr);
	}
	return err;
}

int smtp_nl_put_options(struct sk_buff *skb, const struct smtp_policy *policy)
{
	if (nla_put_u64_64bit(skb, SMTP_FIXUP_A_VERBS, policy->verbs,
			      SMTP_FIXUP_A_PAD) ||
	    nla_put_u64_64bit(skb, SMTP_FIXUP_A_KEYWORDS, policy->keywords,
			      SMTP_FIXUP_A_PAD) ||
	    (*policy->iif && nla_put_string(skb, SMTP_FIXUP_A_IIF, policy->iif)) ||
	    (policy->text_len && smtp_nl_put_text(skb, policy)) ||
	    smtp_nl_put_fields(skb, policy) || smtp_nl_put_limits(skb, policy) ||
	    smtp_criteria_put_matches(skb, policy->criteria))
		return -EMSGSIZE;
	return 0;
}
