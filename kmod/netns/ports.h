/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ports: which policy a port is under, in one namespace. The narrowest range wins, and of
 * equal ranges the one that was set last.
 *
 * Rules and tables that are published do not change. A change makes new rules for the
 * ranges that it names, and a new table, and swaps the tables under RCU. So a look-up is
 * two loads, and a flow keeps the rule that it began with.
 */
#ifndef _SMTP_PORTS_H
#define _SMTP_PORTS_H

#include <linux/netfilter.h>
#include <linux/refcount.h>
#include "../core/policy/policy.h"
#include "counters.h"
#include "rate.h"

#define SMTP_NR_PORTS	65536

/**
 * struct smtp_range - port numbers
 * @first: the lowest
 * @last: the highest, >= @first
 */
struct smtp_range {
	u16 first;
	u16 last;
};

/**
 * struct smtp_setting - a range and the policy to put it under
 * @range: the range
 * @nth: its place among those of one request; smtp_table_build() fills it in
 * @policy: the policy; mode off removes the range's
 */
struct smtp_setting {
	struct smtp_range range;
	u32 nth;
	const struct smtp_policy *policy;
};

/**
 * struct smtp_rule - a policy that was set for a range
 * @refs: one for each table and for each flow
 * @first: lowest port
 * @last: highest port
 * @serial: order of setting
 * @policy: the policy
 * @counters: shared with earlier and later rules of this range
 * @rate: shared with earlier and later rules of this range; NULL: none had a limit
 */
struct smtp_rule {
	refcount_t refs;
	u16 first;
	u16 last;
	u64 serial;
	struct smtp_policy policy;
	struct smtp_counters *counters;
	struct smtp_rate *rate;
};

/**
 * struct smtp_table - all rules of a namespace
 * @seq: which version, never 0
 * @nr: number of @rules
 * @port: for each port 1 + index of its rule, or 0: not inspected
 * @rules: by first port, then the wider first
 */
struct smtp_table {
	u32 seq;
	u32 nr;
	u16 port[SMTP_NR_PORTS];
	struct smtp_rule *rules[];
};

struct net;

struct smtp_table *smtp_table_build(const struct smtp_table *old, u64 serial,
				    struct smtp_setting *settings, u32 n,
				    bool replace, const char **why);
void smtp_table_free(struct smtp_table *table);
void smtp_rule_put(struct smtp_rule *rule);
struct smtp_rule *smtp_rule_find(const struct net *net, u16 port);

/**
 * smtp_table_find() - the rule that a port is under
 * @table: the table, or NULL
 * @port: the port
 *
 * Return: the rule, or NULL: the port is not inspected.
 */
static inline struct smtp_rule *smtp_table_find(const struct smtp_table *table,
						u16 port)
{
	if (!table || !table->port[port])
		return NULL;
	return table->rules[table->port[port] - 1];
}

static inline struct smtp_rule *smtp_rule_get(struct smtp_rule *rule)
{
	refcount_inc(&rule->refs);
	return rule;
}

/* NF_DROP, or NF_ACCEPT in observe mode */
static inline unsigned int smtp_rule_drop_verdict(const struct smtp_rule *rule)
{
	return rule->policy.observe ? NF_ACCEPT : NF_DROP;
}

static inline void smtp_rule_count(const struct smtp_rule *rule,
				   enum smtp_fixup_counter counter)
{
	smtp_counters_add(rule->counters, counter, 1);
}

#endif /* _SMTP_PORTS_H */
