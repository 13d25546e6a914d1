// SPDX-License-Identifier: GPL-2.0-only
/* Ports: rules and the table over them. See ports.h. */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include "criteria.h"
#include "netns.h"
#include "ports.h"

/**
 * smtp_rule_put() - give back a reference
 * @rule: the rule
 *
 * The last one frees it at once. Readers that found it under RCU are safe: the table's
 * reference is given back a grace period after the table was replaced.
 */
void smtp_rule_put(struct smtp_rule *rule)
{
	if (!refcount_dec_and_test(&rule->refs))
		return;
	smtp_counters_put(rule->counters);
	smtp_rate_put(rule->rate);
	smtp_criteria_put(rule->policy.criteria);
	kfree(rule);
}

/**
 * smtp_rule_find() - the rule that a port is under
 * @net: the namespace
 * @port: the port
 *
 * Called under RCU, which alone keeps the rule.
 *
 * Return: the rule, or NULL: the port is not inspected.
 */
struct smtp_rule *smtp_rule_find(const struct net *net, u16 port)
{
	return smtp_table_find(rcu_dereference(smtp_pernet(net)->table), port);
}

static struct smtp_rule *smtp_rule_alloc(const struct smtp_setting *setting,
					 const struct smtp_rule *before)
{
	struct smtp_rule *rule = kmalloc(sizeof(*rule), GFP_KERNEL_ACCOUNT);

	if (!rule)
		return NULL;
	/* A change of policy begins no new line: X7 */
	rule->rate = before ? smtp_rate_get(before->rate) : NULL;
	if (!rule->rate && smtp_policy_rated(setting->policy)) {
		rule->rate = smtp_rate_alloc();
		if (!rule->rate) {
			kfree(rule);
			return NULL;
		}
	}
	rule->counters = before ? smtp_counters_get(before->counters) :
				  smtp_counters_alloc();
	if (!rule->counters) {
		smtp_rate_put(rule->rate);
		kfree(rule);
		return NULL;
	}
	refcount_set(&rule->refs, 1);
	rule->first = setting->range.first;
	rule->last = setting->range.last;
	rule->policy = *setting->policy;
	smtp_criteria_get(rule->policy.criteria);
	return rule;
}

/**
 * smtp_table_free() - free a table that no reader can find any more
 * @table: the table, or NULL
 */
void smtp_table_free(struct smtp_table *table)
{
	u32 i;

	if (!table)
		return;
	for (i = 0; i < table->nr; i++) {
		smtp_rule_put(table->rules[i]);
		cond_resched();
	}
	kvfree(table);
}

static bool smtp_rule_off(const struct smtp_rule *rule)
{
	return rule->policy.mode == SMTP_FIXUP_MODE_OFF;
}

/* The order in which show prints ranges: by first port, then the wider first */
static int smtp_range_compare(u16 first1, u16 last1, u16 first2, u16 last2)
{
	if (first1 != first2)
		return first1 < first2 ? -1 : 1;
	return last1 == last2 ? 0 : last1 > last2 ? -1 : 1;
}

static int smtp_setting_cmp(const void *a, const void *b)
{
	const struct smtp_setting *s1 = a, *s2 = b;
	int cmp = smtp_range_compare(s1->range.first, s1->range.last,
				     s2->range.first, s2->range.last);

	return cmp ?: s1->nth < s2->nth ? -1 : s1->nth > s2->nth;
}

/* Which of two rules that overlap takes precedence? The narrower one; of equal ones the
 * later.
 */
static bool smtp_rule_precedes(const struct smtp_rule *r1,
			       const struct smtp_rule *r2)
{
	int width1 = r1->last - r1->first, width2 = r2->last - r2->first;

	return width1 == width2 ? r1->serial > r2->serial : width1 < width2;
}

static int smtp_precedence_cmp(const void *a, const void *b, const void *table)
{
	const struct smtp_table *t = table;
	const struct smtp_rule *r1 = t->rules[*(const u16 *)a];
	const struct smtp_rule *r2 = t->rules[*(const u16 *)b];

	return smtp_rule_precedes(r1, r2) ? -1 : 1;
}

/**
 * struct smtp_paint - work space to find the rule that each port is under
 * @order: the rules' indexes by precedence
 * @next: for each port the first port from there on without a rule yet, or one on the way
 *	to it
 */
struct smtp_paint {
	u16 order[SMTP_NR_PORTS];
	u32 next[SMTP_NR_PORTS + 1];
};

static u32 smtp_paint_next(struct smtp_paint *paint, u32 port)
{
	u32 *next = paint->next;

	while (next[port] != port) {
		next[port] = next[next[port]];
		port = next[port];
	}
	return port;
}

/* Gives every port the first rule that covers it, by precedence or, with
 * @lowest, the last one that is not off. Each port is painted once, so the cost
 * does not grow with the width of the ranges.
 */
static void smtp_table_paint(struct smtp_table *table, struct smtp_paint *paint,
			     bool lowest)
{
	u32 i, port;

	for (i = 0; i < table->nr; i++)
		paint->order[i] = i;
	sort_r(paint->order, table->nr, sizeof(*paint->order),
	       smtp_precedence_cmp, NULL, table);

	for (port = 0; port <= SMTP_NR_PORTS; port++)
		paint->next[port] = port;
	memset(table->port, 0, sizeof(table->port));
	for (i = 0; i < table->nr; i++) {
		u32 index = paint->order[lowest ? table->nr - 1 - i : i];
		const struct smtp_rule *rule = table->rules[index];

		if (lowest && smtp_rule_off(rule))
			continue;
		for (port = smtp_paint_next(paint, rule->first);
		     port <= rule->last;
		     port = smtp_paint_next(paint, port)) {
			table->port[port] = smtp_rule_off(rule) ? 0 : index + 1;
			paint->next[port] = port + 1;
		}
	}
}

/* Does this rule take precedence over another one? That one is at least as wide, so it
 * contains an end of this range. Other rules are not counted, so that equal
 * configurations keep the same rules in whatever order they were set.
 */
static bool smtp_table_overrides(const struct smtp_table *table,
				 const struct smtp_rule *rule)
{
	const struct smtp_rule *low = smtp_table_find(table, rule->first);
	const struct smtp_rule *high = smtp_table_find(table, rule->last);

	return (low && smtp_rule_precedes(rule, low)) ||
	       (high && smtp_rule_precedes(rule, high));
}

/* Works out table->port, and forgets every "off" that changes nothing */
static int smtp_table_finish(struct smtp_table *table)
{
	struct smtp_paint *paint = kvmalloc(sizeof(*paint), GFP_KERNEL_ACCOUNT);
	u32 i, kept = 0;

	if (!paint)
		return -ENOMEM;
	smtp_table_paint(table, paint, true);
	for (i = 0; i < table->nr; i++) {
		struct smtp_rule *rule = table->rules[i];

		/* table->port holds indexes into what is being compacted */
		if (smtp_rule_off(rule) && !smtp_table_overrides(table, rule))
			paint->order[i] = 0;
		else
			paint->order[i] = 1;
	}
	for (i = 0; i < table->nr; i++) {
		if (paint->order[i])
			table->rules[kept++] = table->rules[i];
		else
			smtp_rule_put(table->rules[i]);
	}
	table->nr = kept;
	smtp_table_paint(table, paint, false);
	kvfree(paint);
	return 0;
}

/* A new table: the old one with settings, which are sorted, or with @replace these alone.
 * A range of the old table keeps its counters.
 */
static struct smtp_table *smtp_table_merge(u64 serial,
					   const struct smtp_table *old,
					   const struct smtp_setting *settings,
					   u32 n, bool replace)
{
	u32 nr_old = old ? old->nr : 0;
	struct smtp_table *table;
	u32 i = 0, j = 0;

	table = kvmalloc(struct_size(table, rules, nr_old + n),
			 GFP_KERNEL_ACCOUNT);
	if (!table)
		return NULL;
	table->nr = 0;
	while (i < nr_old || j < n) {
		struct smtp_rule *before = i < nr_old ? old->rules[i] : NULL;
		struct smtp_rule *rule;
		int cmp = 1;

		if (before)
			cmp = j == n ? -1 :
			      smtp_range_compare(before->first, before->last,
						 settings[j].range.first,
						 settings[j].range.last);
		if (cmp <= 0)
			i++;
		if (cmp < 0 && replace)
			continue;
		if (cmp < 0) {
			rule = smtp_rule_get(before);
		} else {
			rule = smtp_rule_alloc(&settings[j],
					       cmp ? NULL : before);
			if (!rule) {
				smtp_table_free(table);
				return NULL;
			}
			rule->serial = serial + 1 + settings[j].nth;
			j++;
		}
		table->rules[table->nr++] = rule;
		cond_resched();
	}
	return table;
}

/* Sorts settings as show prints them. The last one for a range replaces the others. */
static u32 smtp_settings_sort(struct smtp_setting *settings, u32 n)
{
	u32 i, kept = 0;

	for (i = 0; i < n; i++)
		settings[i].nth = i;
	sort(settings, n, sizeof(*settings), smtp_setting_cmp, NULL);
	for (i = 0; i < n; i++)
		if (i + 1 == n ||
		    settings[i].range.first != settings[i + 1].range.first ||
		    settings[i].range.last != settings[i + 1].range.last)
			settings[kept++] = settings[i];
	return kept;
}

/**
 * smtp_table_build() - the policies of a namespace after a change
 * @old: its policies so far, or NULL
 * @serial: of the last rule that was set
 * @settings: ranges and policies, in the order of setting; are sorted
 * @n: how many
 * @replace: forget all ranges that are not among them
 * @why: result of some failures: the reason, in words
 *
 * May sleep. The old table does not change.
 *
 * Return: the table, to be published or freed; or an ERR_PTR().
 */
struct smtp_table *smtp_table_build(const struct smtp_table *old, u64 serial,
				    struct smtp_setting *settings, u32 n,
				    bool replace, const char **why)
{
	struct smtp_table *table;
	int err;

	n = smtp_settings_sort(settings, n);
	table = smtp_table_merge(serial, old, settings, n, replace);
	if (!table)
		return ERR_PTR(-ENOMEM);
	err = table->nr < SMTP_NR_PORTS ? smtp_table_finish(table) : -ENOSPC;
	if (!err)
		return table;
	if (err == -ENOSPC)
		*why = "more than 65535 port ranges";
	smtp_table_free(table);
	return ERR_PTR(err);
}
