// SPDX-License-Identifier: GPL-2.0-only
/* Criteria. See criteria.h. */
#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <net/netlink.h>
#include "criteria.h"

/**
 * struct smtp_shared - criteria with a reference count
 * @refs: one for each rule, and one for the request that makes them
 * @rcu: packets may run a table until a grace period is over
 * @criteria: the criteria
 */
struct smtp_shared {
	refcount_t refs;
	struct rcu_head rcu;
	struct smtp_criteria criteria;
};

static atomic_long_t smtp_criteria_octets;

static const struct nla_policy
smtp_match_policy[SMTP_FIXUP_MATCH_A_MAX + 1] = {
	[SMTP_FIXUP_MATCH_A_WHAT] =
		NLA_POLICY_MAX(NLA_U8, __SMTP_FIXUP_WHAT_MAX - 1),
	[SMTP_FIXUP_MATCH_A_ACTION] =
		NLA_POLICY_RANGE(NLA_U8, SMTP_FIXUP_ACTION_LOG,
				 SMTP_FIXUP_ACTION_RESET),
	[SMTP_FIXUP_MATCH_A_NOT] = { .type = NLA_FLAG },
	[SMTP_FIXUP_MATCH_A_PATTERNS] = { .type = NLA_NUL_STRING,
					  .len = SMTP_FIXUP_PATTERNS_MAX },
	[SMTP_FIXUP_MATCH_A_FIELD] = { .type = NLA_NUL_STRING,
				       .len = SMTP_FIXUP_FIELD_MAX },
};

const struct nla_policy smtp_matches_policy[SMTP_FIXUP_MATCHES_A_MAX + 1] = {
	[SMTP_FIXUP_MATCHES_A_MATCH] = NLA_POLICY_NESTED(smtp_match_policy),
};

#define SMTP_TABLE(what) \
	[1 + SMTP_FIXUP_WHAT_##what] = { .type = NLA_BINARY, \
					 .len = SMTP_FIXUP_TABLE_MAX }

const struct nla_policy smtp_tables_policy[__SMTP_FIXUP_WHAT_MAX + 1] = {
	SMTP_TABLE(VERB),
	SMTP_TABLE(KEYWORD),
	SMTP_TABLE(HELO),
	SMTP_TABLE(SENDER),
	SMTP_TABLE(RECIPIENT),
	SMTP_TABLE(HEADER),
	SMTP_TABLE(MIME_TYPE),
	SMTP_TABLE(MIME_ENCODING),
	SMTP_TABLE(MIME_FILENAME),
	SMTP_TABLE(RELAY),
	SMTP_TABLE(MECHANISM),
};

static struct smtp_shared *smtp_shared_of(const struct smtp_criteria *criteria)
{
	return container_of((struct smtp_criteria *)criteria,
			    struct smtp_shared, criteria);
}

/**
 * smtp_criteria_get() - take a reference
 * @criteria: the criteria, or NULL
 */
void smtp_criteria_get(const struct smtp_criteria *criteria)
{
	if (criteria)
		refcount_inc(&smtp_shared_of(criteria)->refs);
}

/**
 * smtp_criteria_put() - give back a reference
 * @criteria: the criteria, or NULL
 */
void smtp_criteria_put(const struct smtp_criteria *criteria)
{
	struct smtp_shared *shared;

	if (!criteria)
		return;
	shared = smtp_shared_of(criteria);
	if (!refcount_dec_and_test(&shared->refs))
		return;
	atomic_long_sub(criteria->size, &smtp_criteria_octets);
	kvfree_rcu(shared, rcu);
}

static int smtp_match_parse(const struct nlattr *attr,
			    struct smtp_criteria_spec *spec,
			    struct netlink_ext_ack *extack)
{
	struct nlattr *tb[SMTP_FIXUP_MATCH_A_MAX + 1];
	u32 i = spec->nr;
	int err;

	if (i == SMTP_FIXUP_MATCHES_MAX) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "a policy has 64 matches at most");
		return -E2BIG;
	}
	err = nla_parse_nested(tb, SMTP_FIXUP_MATCH_A_MAX, attr,
			       smtp_match_policy, extack);
	if (err)
		return err;
	if (!tb[SMTP_FIXUP_MATCH_A_WHAT] || !tb[SMTP_FIXUP_MATCH_A_ACTION] ||
	    !tb[SMTP_FIXUP_MATCH_A_PATTERNS]) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "a match lacks what it looks at, its action or its patterns");
		return -EINVAL;
	}
	spec->match[i].what = nla_get_u8(tb[SMTP_FIXUP_MATCH_A_WHAT]);
	spec->match[i].action = nla_get_u8(tb[SMTP_FIXUP_MATCH_A_ACTION]);
	spec->match[i].negated = nla_get_flag(tb[SMTP_FIXUP_MATCH_A_NOT]);
	spec->match[i].patterns = nla_data(tb[SMTP_FIXUP_MATCH_A_PATTERNS]);
	spec->match[i].len = strlen(spec->match[i].patterns);
	if (tb[SMTP_FIXUP_MATCH_A_FIELD])
		spec->match[i].field = nla_data(tb[SMTP_FIXUP_MATCH_A_FIELD]);
	spec->nr++;
	return 0;
}

static int smtp_spec_parse(const struct nlattr *matches,
			   const struct nlattr *tables,
			   struct smtp_criteria_spec *spec,
			   struct netlink_ext_ack *extack)
{
	struct nlattr *tb[__SMTP_FIXUP_WHAT_MAX + 1] = { };
	const struct nlattr *attr;
	int rem, err = 0, i;

	if (matches) {
		nla_for_each_nested(attr, matches, rem) {
			err = smtp_match_parse(attr, spec, extack);
			if (err)
				return err;
		}
	}
	if (tables)
		err = nla_parse_nested(tb, __SMTP_FIXUP_WHAT_MAX, tables,
				       smtp_tables_policy, extack);
	for (i = 0; i < __SMTP_FIXUP_WHAT_MAX && !err; i++) {
		if (!tb[1 + i])
			continue;
		spec->table[i].octets = nla_data(tb[1 + i]);
		spec->table[i].n = nla_len(tb[1 + i]);
	}
	return err;
}

static int smtp_criteria_alloc(const struct smtp_criteria_spec *spec,
			       const struct smtp_criteria **criteria,
			       const char **why)
{
	struct smtp_shared *shared;
	u32 size;

	*why = smtp_criteria_measure(spec, true, &size);
	if (*why)
		return -EINVAL;
	/* An empty list is as good as none: a dump shows neither */
	if (!spec->nr)
		return 0;
	if (atomic_long_add_return(size, &smtp_criteria_octets) >
	    SMTP_CRITERIA_ALL_MAX) {
		atomic_long_sub(size, &smtp_criteria_octets);
		*why = "the matches of all policies together need more than 64 MiB";
		return -ENOSPC;
	}
	shared = kvmalloc(offsetof(struct smtp_shared, criteria) + size,
			  GFP_KERNEL_ACCOUNT);
	if (!shared) {
		atomic_long_sub(size, &smtp_criteria_octets);
		return -ENOMEM;
	}
	refcount_set(&shared->refs, 1);
	*why = smtp_criteria_make(&shared->criteria, spec, size);
	if (*why) {
		atomic_long_sub(size, &smtp_criteria_octets);
		kvfree(shared);
		return -EINVAL;
	}
	*criteria = &shared->criteria;
	return 0;
}

/**
 * smtp_criteria_parse() - the criteria that attributes describe
 * @matches: %SMTP_FIXUP_A_MATCHES, or NULL
 * @tables: %SMTP_FIXUP_A_TABLES, or NULL
 * @criteria: result: NULL, or a reference
 * @extack: says what is wrong, and with which attribute
 *
 * Return: 0 or a negative error.
 */
int smtp_criteria_parse(const struct nlattr *matches,
			const struct nlattr *tables,
			const struct smtp_criteria **criteria,
			struct netlink_ext_ack *extack)
{
	struct {
		struct smtp_criteria_spec spec;
		struct smtp_match_spec match[SMTP_FIXUP_MATCHES_MAX];
	} *parsed;
	const char *why = NULL;
	int err;

	*criteria = NULL;
	if (!matches && !tables)
		return 0;
	parsed = kzalloc(sizeof(*parsed), GFP_KERNEL_ACCOUNT);
	if (!parsed)
		return -ENOMEM;
	parsed->spec.match = parsed->match;
	err = smtp_spec_parse(matches, tables, &parsed->spec, extack);
	if (!err)
		err = smtp_criteria_alloc(&parsed->spec, criteria, &why);
	if (why) {
		if (extack)
			extack->_msg = why;
		NL_SET_BAD_ATTR(extack, matches ?: tables);
	}
	kfree(parsed);
	return err;
}

/**
 * smtp_criteria_put_matches() - all matches of a policy
 * @skb: the message
 * @criteria: its criteria, or NULL
 *
 * Return: 0 or -EMSGSIZE.
 */
int smtp_criteria_put_matches(struct sk_buff *skb,
			      const struct smtp_criteria *criteria)
{
	struct nlattr *matches;
	u32 i;

	if (!criteria)
		return 0;
	matches = nla_nest_start(skb, SMTP_FIXUP_A_MATCHES);
	if (!matches)
		return -EMSGSIZE;
	for (i = 0; i < criteria->nr; i++) {
		const struct smtp_criterion *m = &criteria->criterion[i];
		struct nlattr *nest = nla_nest_start(skb,
						     SMTP_FIXUP_MATCHES_A_MATCH);

		if (!nest ||
		    nla_put_u8(skb, SMTP_FIXUP_MATCH_A_WHAT, m->what) ||
		    nla_put_u8(skb, SMTP_FIXUP_MATCH_A_ACTION, m->action) ||
		    (m->negated && nla_put_flag(skb, SMTP_FIXUP_MATCH_A_NOT)) ||
		    nla_put_string(skb, SMTP_FIXUP_MATCH_A_PATTERNS,
				   m->patterns) ||
		    (m->field && nla_put_string(skb, SMTP_FIXUP_MATCH_A_FIELD,
						m->field)))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	nla_nest_end(skb, matches);
	return 0;
}
